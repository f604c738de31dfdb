// JSON values as Go's fmt and encoding/json print them in messages of errors, on which clients match.
import { table } from '../table.ts';
import { isObject } from './value.ts';

/** A value that Go has and JSON has not, by its type and as `%v` and `%#v` print it. */
export class GoValue {
  readonly typeName: string;
  readonly text: string;
  readonly syntax: string;

  constructor({
    typeName,
    text,
    syntax,
  }: { readonly typeName: string; readonly text: string; readonly syntax: string }) {
    this.typeName = typeName;
    this.text = text;
    this.syntax = syntax;
  }
}

/** `%v`: `map[a:1 b:[x <nil>]]`. */
export function goText(value: unknown): string {
  if (value instanceof GoValue) return value.text;
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return printedFloat(value);
  if (!isObject(value)) return value === null ? '<nil>' : String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, part]) => `${key}:${goText(part)}`).join(' ')}]`;
}

/** `%#v`: `map[string]interface {}{"a":1, "b":[]interface {}{"x"}}`. */
export function goSyntax(value: unknown): string {
  if (value instanceof GoValue) return value.syntax;
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return printedFloat(value);
  if (!isObject(value)) return value === null ? 'interface {}(nil)' : JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${entries.map(([key, part]) => `${JSON.stringify(key)}:${goSyntax(part)}`).join(', ')}}`;
}

/** `%T`. */
export function goTypeName(value: unknown): string {
  if (value instanceof GoValue) return value.typeName;
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : value === null ? '<nil>' : 'string';
}

const plain = /^[ !#-[\]-~]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const special = /["\\\x00-\x1f\x7f]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;
/** Characters that Go writes as a backslash and a letter. */
export const goEscapes = table<string>({
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
});

/** `%q` of a text: what cannot be seen is written as `\x00`, `\u200b`, `\U000e0001`. */
export function quoted(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  const escaped = text.replace(special, (char) => {
    const code = char.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    if (code < 0x80) return goEscapes[char] ?? `\\x${hex.padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
  });
  return `"${escaped}"`;
}

/** `%v` of a float64: `1.5`, `1e+06`, `1e-07`. */
export function printedFloat(value: number): string {
  const [mantissa = '', exponent] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return Object.is(value, -0) ? '-0' : String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** JSON of a map or list: keys in order, and what HTML would read escaped. Whole numbers beyond 2^53 are bigints. */
export function printedJson(value: unknown): string {
  return escapeHtml(JSON.stringify(sortedKeys(value)));
}

/** A map with its keys in order, and all maps inside, as Go prints them; all else as it is. */
export function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortedKeys(inner)]));
}

/** As encoding/json writes what might stand in HTML. */
export function escapeHtml(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
