// The language of JSON paths (client-go's util/jsonpath, as in `kubectl -o jsonpath={.spec.list[0].name}`), without its
// templates: what stands between the braces.

export type PathStep =
  | { readonly type: 'field'; readonly name: string }
  /** `*`: all values of a map or list. */
  | { readonly type: 'all' }
  /** `..`: the value, and all that is in it at any depth. */
  | { readonly type: 'recursive' }
  | Slice
  | { readonly type: 'union'; readonly parts: readonly (readonly PathStep[])[] }
  | Filter
  | { readonly type: 'literal'; readonly value: string | number | boolean }
  /** A word that is no part of a path: it fails when it is come to. */
  | { readonly type: 'word'; readonly text: string };

/** `[from:to:step]`; `[2]` is the slice from 2 to 3. */
export interface Slice {
  readonly type: 'slice';
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly isIndex: boolean;
  readonly step: number | undefined;
}

/** `[?(@.left == right)]`; `exists` has no right side. */
export interface Filter {
  readonly type: 'filter';
  readonly left: readonly PathStep[];
  readonly operator: string;
  readonly right: readonly PathStep[];
}

/** The path makes no sense; an exception within this file only. */
class PathProblem extends Error {}

/** Undefined where the path cannot be read. */
export function parseJsonPath(text: string): readonly PathStep[] | undefined {
  try {
    return new Parser(text).parse();
  } catch (error) {
    if (error instanceof PathProblem) return undefined;
    throw error;
  }
}

const alphanumeric = /[\p{L}\p{Nd}_]/u;
const terminator = /[ \t\r\n.,[\]$@{}]/;

class Parser {
  readonly #text: string;
  #at = 0;
  readonly #steps: PathStep[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** Up to a closing brace, which would end the path in a template. */
  parse(): PathStep[] {
    while (this.#at < this.#text.length && this.#text[this.#at] !== '}') this.#step();
    return this.#steps;
  }

  #step(): void {
    if (this.#text.startsWith('[?(', this.#at)) this.#filter();
    else if (this.#text.startsWith('..', this.#at)) this.#recursive();
    else {
      const char = this.#text[this.#at] ?? '';
      if (char === ' ' || char === '@' || char === '$') this.#at++;
      else if (char === '[') this.#brackets();
      else if (char === '"' || char === "'") this.#steps.push({ type: 'literal', value: this.#quoted(char) });
      else if (char === '.') {
        this.#at++;
        this.#field();
      } else if (/[-+\p{Nd}]/u.test(char)) this.#number();
      else if (alphanumeric.test(char)) this.#word();
      else throw new PathProblem(`unrecognized character ${char}`);
    }
  }

  #untilTerminator(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !terminator.test(this.#text[this.#at] ?? '')) {
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    }
    // A backslash at the end escapes the brace that would end the path.
    if (this.#at > this.#text.length) throw new PathProblem('unclosed action');
    return this.#text.slice(start, this.#at);
  }

  #field(): void {
    const name = this.#untilTerminator();
    this.#steps.push(name === '*' ? { type: 'all' } : { type: 'field', name: name.replaceAll('\\', '') });
  }

  #recursive(): void {
    if (this.#steps.at(-1)?.type === 'recursive') throw new PathProblem('invalid multiple recursive descent');
    this.#at += 2;
    this.#steps.push({ type: 'recursive' });
    if (alphanumeric.test(this.#text[this.#at] ?? '')) this.#field();
  }

  #number(): void {
    const [written = ''] = /^[-+]?[0-9.]*/.exec(this.#text.slice(this.#at)) ?? [];
    if (!/^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(written)) throw new PathProblem(`cannot parse number ${written}`);
    this.#at += written.length;
    this.#steps.push({ type: 'literal', value: Number(written) });
  }

  #word(): void {
    const start = this.#at;
    while (this.#at < this.#text.length && !terminator.test(this.#text[this.#at] ?? '')) this.#at++;
    const text = this.#text.slice(start, this.#at);
    const isBoolean = text === 'true' || text === 'false';
    this.#steps.push(isBoolean ? { type: 'literal', value: text === 'true' } : { type: 'word', text });
  }

  #quoted(quote: string): string {
    const start = ++this.#at;
    for (; this.#text[this.#at] !== quote || this.#text[this.#at - 1] === '\\'; this.#at++) {
      if (this.#at >= this.#text.length || this.#text[this.#at] === '\n')
        throw new PathProblem('unterminated quoted string');
    }
    return this.#text.slice(start, this.#at++).replace(/\\(.)/g, '$1');
  }

  #brackets(): void {
    const end = this.#text.indexOf(']', this.#at);
    const inner = this.#text.slice(this.#at + 1, end);
    if (end < 0 || inner.includes('\n')) throw new PathProblem('unterminated array');
    this.#at = end + 1;
    const parts = inner.split(',');
    if (parts.length > 1) {
      this.#steps.push({ type: 'union', parts: parts.map((part) => stepsOf(`[${part.replace(/^ +| +$/g, '')}]`)) });
      return;
    }
    const key = /^'([^']*)'$/.exec(inner);
    // What is in the quotes is a path as well: dots in a name are escaped there, too.
    if (key) this.#steps.push(...stepsOf(`.${key[1]}`));
    else this.#steps.push(sliceOf(inner === '*' ? ':' : inner));
  }

  #filter(): void {
    const start = this.#at + 3;
    this.#at = start;
    let quote = '';
    let isClosed = true;
    for (; this.#text[this.#at] !== ')' || !isClosed; this.#at++) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '\n') throw new PathProblem('unterminated filter');
      if (char !== '"' && char !== "'") continue;
      if (quote === '') [quote, isClosed] = [char, false];
      else if (char === quote && this.#text[this.#at - 1] !== '\\') isClosed = true;
    }
    const inner = this.#text.slice(start, this.#at);
    if (this.#text[this.#at + 1] !== ']') throw new PathProblem('unclosed array expect ]');
    this.#at += 2;
    const [, left, operator = '', right = ''] = /^([^!<>=]+)([!<>=]+)(.+)$/.exec(inner) ?? [];
    const steps = left === undefined ? stepsOf(inner) : stepsOf(left);
    this.#steps.push(
      left === undefined
        ? { type: 'filter', left: steps, operator: 'exists', right: [] }
        : { type: 'filter', left: steps, operator, right: stepsOf(right) },
    );
  }
}

function stepsOf(text: string): PathStep[] {
  return new Parser(text).parse();
}

function sliceOf(text: string): Slice {
  const match = /^(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?$/.exec(text);
  if (!match) throw new PathProblem(`invalid array index ${text}`);
  const [from, to, step] = match.slice(1).map((part) => {
    const digits = part?.replace(':', '');
    if (digits === '-') throw new PathProblem(`array index ${digits} is not a number`);
    return digits ? Number(digits) : undefined;
  });
  const isIndex = match[2] === undefined;
  return { type: 'slice', from, to: isIndex ? (from ?? 0) + 1 : to, isIndex, step };
}
