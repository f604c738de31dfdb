// Functions of strings: the standard ones, cel-go's extended strings (version 2) and Kubernetes' regular expressions.
import { goEscapes } from '../../apimachinery/json/go-text.ts';
import { CelError } from '../errors.ts';
import { global, member, type Overload } from '../overload.ts';
import { compileRegex, findMatches } from '../regex.ts';
import { ListValue } from '../values.ts';
import { formatString } from './format-string.ts';

/** As findMatches, which Kubernetes' functions have words of their own for a wrong pattern of. */
function found(text: string, pattern: string, limit: number): string[] {
  try {
    return findMatches(text, pattern, limit);
  } catch (error) {
    throw error instanceof CelError ? new CelError(`Illegal regex: ${error.message}`) : error;
  }
}

/** Characters as CEL counts them: code points. */
function points(text: string): string[] {
  return Array.from(text);
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
  return /^[\x00-\x7f]*$/.test(text);
}

function charAt(text: string, index: bigint): string {
  const chars = points(text);
  if (index < 0n || index > BigInt(chars.length)) throw new CelError(`index out of range: ${index}`);
  return chars[Number(index)] ?? '';
}

function indexOf(text: string, part: string, from = 0n): bigint {
  const chars = points(text);
  if (from < 0n) throw new CelError(`index out of range: ${from}`);
  const size = BigInt(chars.length);
  if (part === '') return from > size ? size : from;
  if (from >= size) return -1n;
  if (isAscii(text)) return BigInt(text.indexOf(part, Number(from)));
  const before = chars.slice(0, Number(from)).join('').length;
  const at = text.indexOf(part, before);
  return at < 0 ? -1n : BigInt(points(text.slice(0, at)).length);
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const chars = points(text);
  const size = BigInt(chars.length);
  if (from !== undefined && from < 0n) throw new CelError(`index out of range: ${from}`);
  if (part === '') return from === undefined || from > size ? size : from;
  if (from !== undefined && from >= size) return -1n;
  const before = chars.slice(0, Number(from ?? size)).join('').length;
  const at = text.lastIndexOf(part, before);
  return at < 0 ? -1n : BigInt(points(text.slice(0, at)).length);
}

function substring(text: string, from: bigint, to?: bigint): string {
  const chars = points(text);
  const end = to ?? BigInt(chars.length);
  if (to !== undefined && from > to) throw new CelError(`invalid substring range. start: ${from}, end: ${to}`);
  if (from < 0n || from > BigInt(chars.length)) throw new CelError(`index out of range: ${from}`);
  if (end < 0n || end > BigInt(chars.length)) throw new CelError(`index out of range: ${end}`);
  return chars.slice(Number(from), Number(end)).join('');
}

function replace(text: string, from: string, { to, count }: { to: string; count: bigint }): string {
  if (count < 0n) return text.replaceAll(from, () => to);
  let rest = text;
  let done = '';
  for (let left = count; left > 0n; left--) {
    const at = rest.indexOf(from);
    if (at < 0) break;
    done += rest.slice(0, at) + to;
    rest = rest.slice(at + from.length);
    if (from === '') {
      if (rest === '') break;
      const [char = ''] = rest;
      done += char;
      rest = rest.slice(char.length);
    }
  }
  return done + rest;
}

function split(text: string, by: string, limit = -1n): ListValue {
  if (limit === 0n) return new ListValue([]);
  const parts = by === '' ? points(text) : text.split(by);
  if (limit < 0n || BigInt(parts.length) <= limit) return new ListValue(parts);
  const head = parts.slice(0, Number(limit) - 1);
  return new ListValue([...head, parts.slice(Number(limit) - 1).join(by)]);
}

function join(list: ListValue, by = ''): string {
  return list.items
    .map((item) => {
      if (typeof item !== 'string') throw new CelError('no such overload: join(list)');
      return item;
    })
    .join(by);
}

/** Upper and lower case of ASCII letters only. */
const lower = (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());
const upper = (text: string) => text.replace(/[a-z]/g, (c) => c.toUpperCase());

/** Go's unicode.IsSpace. */
const whitespace = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && whitespace.test(text.charAt(start))) start++;
  while (end > start && whitespace.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
  return `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, (char) => goEscapes[char] ?? char)}"`;
}

export function stringFunctions(): Overload[] {
  const matches = (text: string, pattern: string) => compileRegex(pattern).test(text);
  return [
    member('string.contains(string): bool', (a: string, b: string) => a.includes(b)),
    member('string.startsWith(string): bool', (a: string, b: string) => a.startsWith(b)),
    member('string.endsWith(string): bool', (a: string, b: string) => a.endsWith(b)),
    global('matches(string, string): bool', matches),
    member('string.matches(string): bool', matches),
    member('string.charAt(int): string', charAt),
    member('string.indexOf(string): int', (a: string, b: string) => indexOf(a, b)),
    member('string.indexOf(string, int): int', indexOf),
    member('string.lastIndexOf(string): int', (a: string, b: string) => lastIndexOf(a, b)),
    member('string.lastIndexOf(string, int): int', lastIndexOf),
    member('string.lowerAscii(): string', lower),
    member('string.upperAscii(): string', upper),
    member('string.trim(): string', trim),
    member('string.substring(int): string', substring),
    member('string.substring(int, int): string', substring),
    member('string.split(string): list<string>', (a: string, b: string) => split(a, b)),
    member('string.split(string, int): list<string>', split),
    member('list<string>.join(): string', (a: ListValue) => join(a)),
    member('list<string>.join(string): string', join),
    member('string.replace(string, string): string', (a: string, from: string, to: string) =>
      replace(a, from, { to, count: -1n }),
    ),
    member('string.replace(string, string, int): string', (...[a, from, to, count]: [string, string, string, bigint]) =>
      replace(a, from, { to, count }),
    ),
    member('string.format(list<dyn>): string', formatString),
    global('strings.quote(string): string', quote),
    member('string.find(string): string', (a: string, b: string) => found(a, b, 1)[0] ?? ''),
    member('string.findAll(string): list<string>', (a: string, b: string) => new ListValue(found(a, b, -1))),
    member(
      'string.findAll(string, int): list<string>',
      (a: string, b: string, n: bigint) => new ListValue(found(a, b, Number(n))),
    ),
    // A key as a segment of a JSON pointer (RFC 6901).
    global('jsonpatch.escapeKey(string): string', (a: string) => a.replaceAll('~', '~0').replaceAll('/', '~1')),
  ];
}
