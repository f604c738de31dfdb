// A scanner of JSON text that fails with the words of Go's encoding/json, and finds what JSON.parse hides: keys that
// stand twice in one object, and how a number was written. It is slow beside JSON.parse, so it runs only on texts that need it.
import { quoted } from './go-text.ts';
import { exactNumber } from './int64.ts';
import { setOrRepeat } from './repeated.ts';

/** `unexpected end of JSON input`, `invalid character 'x' looking for beginning of value`, … */
export class JsonSyntaxError extends Error {}

/** Deeper texts are refused, so that no walk over a value runs out of stack. */
export const mostDepth = 1000;

/** What JSON.parse hides. Paths are as in `spec.ports[0].port`. */
export interface HiddenJson {
  /** Paths of all keys as they stand in the text. */
  readonly keys: readonly string[];
  /** Places in `keys` of those that stand twice in one object: of the second time, and each further one. */
  readonly duplicates: ReadonlySet<number>;
  /**
   * Numbers with a fraction or an exponent, and those that no int64 can hold, as they are written, by path: `1.0`, `1e3`. Of a
   * repeated key the last one.
   */
  readonly decimals: ReadonlyMap<string, string>;
  /** What the text says, with all values of keys that are repeated (repeated.ts). */
  readonly value: unknown;
}

/** Reads a whole text: one character for each of its bytes where `isLatin1`. Throws JsonSyntaxError. */
export function scanJson(text: string, { isLatin1 = false }: { readonly isLatin1?: boolean } = {}): HiddenJson {
  const scanner = new Scanner(text, isLatin1);
  scanner.space();
  const value = scanner.value('');
  scanner.space();
  if (!scanner.atEnd()) scanner.fail('after top-level value');
  const { keys, duplicates, decimals } = scanner;
  return { keys, duplicates, decimals, value };
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const digit = /[0-9]/;

class Scanner {
  readonly keys: string[] = [];
  readonly duplicates = new Set<number>();
  readonly decimals = new Map<string, string>();
  readonly #text: string;
  #at = 0;
  #depth = 0;

  readonly #isLatin1: boolean;

  constructor(text: string, isLatin1: boolean) {
    this.#text = text;
    this.#isLatin1 = isLatin1;
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** `invalid character 'x' <context>` for the character at hand. */
  fail(context: string): never {
    if (this.atEnd()) throw new JsonSyntaxError('unexpected end of JSON input');
    // Go looks at bytes: of a character of many, the first.
    const [byte = 0] = Buffer.from(this.#text.slice(this.#at, this.#at + 2), this.#isLatin1 ? 'latin1' : 'utf8');
    const char = String.fromCharCode(byte);
    const shown = char === "'" ? "\\'" : char === '"' ? char : quoted(char).slice(1, -1);
    throw new JsonSyntaxError(`invalid character '${shown}' ${context}`);
  }

  space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  value(path: string): unknown {
    const char = this.#text[this.#at];
    if (char === '{' || char === '[') {
      if (++this.#depth > mostDepth) throw new JsonSyntaxError('exceeded max depth');
      const value = char === '{' ? this.#object(path) : this.#array(path);
      this.#depth--;
      return value;
    }
    if (char === '"') return this.#string();
    if (char === '-' || (char !== undefined && digit.test(char))) return this.#number(path);
    if (char === 't') return this.#literal('true', true);
    if (char === 'f') return this.#literal('false', false);
    if (char === 'n') return this.#literal('null', null);
    return this.fail('looking for beginning of value');
  }

  #object(path: string): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#at++;
    this.space();
    if (this.#text[this.#at] === '}') {
      this.#at++;
      return object;
    }
    for (;;) {
      if (this.#text[this.#at] !== '"') this.fail('looking for beginning of object key string');
      const key = this.#string();
      const keyPath = path === '' ? key : `${path}.${key}`;
      if (Object.hasOwn(object, key)) this.duplicates.add(this.keys.length);
      this.keys.push(keyPath);
      this.space();
      if (this.#text[this.#at] !== ':') this.fail('after object key');
      this.#at++;
      this.space();
      const value = this.value(keyPath);
      setOrRepeat(object, key, value);
      this.space();
      const char = this.#text[this.#at];
      if (char !== ',' && char !== '}') this.fail('after object key:value pair');
      this.#at++;
      if (char === '}') return object;
      this.space();
    }
  }

  #array(path: string): unknown[] {
    const array: unknown[] = [];
    this.#at++;
    this.space();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return array;
    }
    for (let index = 0; ; index++) {
      array.push(this.value(`${path}[${index}]`));
      this.space();
      const char = this.#text[this.#at];
      if (char !== ',' && char !== ']') this.fail('after array element');
      this.#at++;
      if (char === ']') return array;
      this.space();
    }
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) this.fail('');
      if (code === 0x22) break;
      if (code < 0x20) this.fail('in string literal');
      this.#at++;
      if (code === 0x5c) this.#escape();
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #escape(): void {
    const char = this.#text[this.#at];
    if (char === undefined || !'"\\/bfnrtu'.includes(char)) this.fail('in string escape code');
    this.#at++;
    if (char !== 'u') return;
    for (let i = 0; i < 4; i++, this.#at++) {
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) this.fail('in \\u hexadecimal character escape');
    }
  }

  #number(path: string): unknown {
    numberPattern.lastIndex = this.#at;
    const match = numberPattern.exec(this.#text);
    if (!match) {
      this.#at++;
      this.fail('in numeric literal');
    }
    this.#at += match[0].length;
    const next = this.#text[this.#at];
    if (next === '.' && !match[0].includes('.')) {
      this.#at++;
      this.fail('after decimal point in numeric literal');
    }
    if ((next === 'e' || next === 'E') && !/[eE]/.test(match[0])) {
      this.#at++;
      if ('+-'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
      this.fail('in exponent of numeric literal');
    }
    const value = exactNumber(Number(match[0]), match[0]);
    if (/[.eE]/.test(match[0]) || !(typeof value === 'bigint' || Number.isSafeInteger(value))) {
      this.decimals.set(path, match[0]);
    } else this.decimals.delete(path);
    return value;
  }

  #literal<T>(word: string, value: T): T {
    for (const [i, char] of [...word].entries()) {
      if (this.#text[this.#at] !== char) this.fail(i === 0 ? '' : `in literal ${word} (expecting '${char}')`);
      this.#at++;
    }
    return value;
  }
}
