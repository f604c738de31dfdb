// Cuts a source into tokens (cel-spec, lexical syntax).
import { table } from '../apimachinery/table.ts';
import { CelSyntaxError } from './errors.ts';

type WrittenType = 'int' | 'uint' | 'double' | 'ident' | 'quoted' | 'op' | 'end';

export type Token = {
  /** As written; of strings and bytes the decoded content is in `value`. */
  readonly text: string;
  readonly at: number;
} & (
  | { readonly type: WrittenType }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
);

const patterns: readonly (readonly [WrittenType | 'skip', RegExp])[] = [
  ['skip', /[\t\n\f\r ]+|\/\/[^\n]*/y],
  ['double', /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y],
  ['uint', /(?:0x[0-9a-fA-F]+|\d+)[uU]/y],
  ['int', /(?:0x[0-9a-fA-F]+|\d+)/y],
  ['quoted', /`[a-zA-Z0-9_.\-/ ]+`/y],
  ['op', /==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,()[\]{}]/y],
];
const identifier = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const stringStart = /([rR]?[bB]?|[bB][rR])("""|'''|"|')/y;

/** The last token is `end`. Throws CelSyntaxError at the first character that begins none. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const start = match(stringStart);
    if (start) {
      const token = stringToken(source, at, start);
      tokens.push(token);
      at += token.text.length;
      continue;
    }
    const found = firstMatch(match);
    if (!found) throw recognitionError(source, at);
    if (found.type !== 'skip') tokens.push({ type: found.type, text: found.text, at });
    at += found.text.length;
  }
  tokens.push({ type: 'end', text: '<EOF>', at: source.length });
  return tokens;
}

function firstMatch(match: (pattern: RegExp) => RegExpExecArray | null) {
  for (const [type, pattern] of patterns) {
    const found = match(pattern);
    if (found) return { type, text: found[0] };
  }
  const found = match(identifier);
  return found && { type: 'ident' as const, text: found[0] };
}

function recognitionError(source: string, at: number): CelSyntaxError {
  const text = source.slice(at, at + 1);
  return new CelSyntaxError({ at, message: `Syntax error: token recognition error at: '${text}'` });
}

function stringToken(source: string, at: number, [opening, prefix = '', quote = '']: RegExpExecArray): Token {
  const isRaw = /r/i.test(prefix);
  const isBytes = /b/i.test(prefix);
  let end = at + opening.length;
  while (!source.startsWith(quote, end)) {
    const char = source[end];
    if (char === undefined || (quote.length === 1 && (char === '\n' || char === '\r'))) {
      const text = source.slice(at, end);
      throw new CelSyntaxError({ at, message: `Syntax error: token recognition error at: '${text}'` });
    }
    end += char === '\\' && !isRaw ? 2 : 1;
  }
  const body = source.slice(at + opening.length, end);
  const text = source.slice(at, end + quote.length);
  if (isBytes) return { type: 'bytes', text, value: isRaw ? Buffer.from(body) : bytesOf(body, at), at };
  return { type: 'string', text, value: isRaw ? body : unescapeText(body, at), at };
}

/** What stands behind a backslash, and for what. */
export const escapedCharacters = table<string>({
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
});
const escapes = /\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]?))/g;

function unescapeText(body: string, at: number): string {
  if (!body.includes('\\')) return body;
  return body.replace(escapes, (...found) => {
    const [, x, u, long, octal, char] = found;
    const hex: string | undefined = x ?? u ?? long;
    if (hex !== undefined) return codePoint(Number.parseInt(hex, 16), at);
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    return escapedCharacters[char] ?? invalidEscape(at);
  });
}

function bytesOf(body: string, at: number): Uint8Array {
  const parts: Buffer[] = [];
  let last = 0;
  for (const found of body.matchAll(escapes)) {
    parts.push(Buffer.from(body.slice(last, found.index)));
    const [all, x, u, long, octal, char = ''] = found;
    last = found.index + all.length;
    if (x !== undefined || octal !== undefined) {
      parts.push(Buffer.from([x !== undefined ? Number.parseInt(x, 16) : Number.parseInt(octal!, 8)]));
    } else if (u !== undefined || long !== undefined) invalidEscape(at);
    else parts.push(Buffer.from(escapedCharacters[char] ?? invalidEscape(at)));
  }
  parts.push(Buffer.from(body.slice(last)));
  return new Uint8Array(Buffer.concat(parts));
}

function codePoint(code: number, at: number): string {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return invalidEscape(at);
  return String.fromCodePoint(code);
}

function invalidEscape(at: number): never {
  throw new CelSyntaxError({ at, message: 'invalid string literal: unable to unescape string' });
}
