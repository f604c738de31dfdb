// One step of a field path as it is written in FieldsV1: `f:<name>` a field or map key, `k:<json>` a list item by its
// keys, `v:<json>` a list item by its value, `i:<number>` a list item by its place.
import { escapeHtml } from '../json/go-text.ts';
import { parseExactly } from '../json/int64.ts';
import { isObject } from '../json/value.ts';

const html = /[<>&\u2028\u2029]/;

/** JSON as Go writes it: what HTML gives a meaning to is escaped. */
export function goJson(value: unknown): string {
  const json = JSON.stringify(value);
  return html.test(json) ? escapeHtml(json) : json;
}

/**
 * An element from outside in the one form that ours have, so that equal elements are equal texts. `unknown` is a kind that
 * a later version may know, and is left out of a set; undefined is no element at all.
 */
export function canonicalElement(element: string): string | 'unknown' | undefined {
  if (element[1] !== ':') return undefined;
  const text = element.slice(2);
  switch (element[0]) {
    case 'f':
      return element;
    case 'i':
      return /^[+-]?\d+$/.test(text) ? `i:${Number(text)}` : undefined;
    case 'v':
    case 'k':
      return canonicalJson(element[0], text);
    default:
      return 'unknown';
  }
}

function canonicalJson(kind: 'v' | 'k', text: string): string | undefined {
  try {
    const value: unknown = parseExactly(text);
    if (kind === 'v') return `v:${goJson(value)}`;
    if (!isObject(value)) return undefined;
    return `k:${goJson(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))))}`;
  } catch {
    return undefined;
  }
}

const ranks = 'fkvi';

/**
 * The order of elements: fields, items by keys, items by value, items by place; numbers in keys and values by size, so
 * that port 80 comes before 443.
 */
export function compareElements(a: string, b: string): number {
  if (a[0] !== b[0]) return a === '.' ? -1 : b === '.' ? 1 : ranks.indexOf(a[0]!) - ranks.indexOf(b[0]!);
  if (a[0] !== 'f' && a !== b && mayHoldNumbers(a, b))
    return compareValues(parseExactly(a.slice(2)), parseExactly(b.slice(2)));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether the two differ where a number may stand: elsewhere the order of their texts is that of what they say. */
function mayHoldNumbers(a: string, b: string): boolean {
  let i = 2;
  while (a[i] === b[i]) i++;
  return isOfNumber(a[i]) || isOfNumber(b[i]);
}

function isOfNumber(char: string | undefined): boolean {
  return char === undefined || (char >= '+' && char <= '9') || char === ']' || char === '}' || char === 'e';
}

const typeRanks = ['number', 'string', 'boolean', 'list', 'map', 'null'] as const;

function typeOf(value: unknown): (typeof typeRanks)[number] {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'bigint') return 'number';
  return typeof value === 'object' ? 'map' : (typeof value as 'number' | 'string' | 'boolean');
}

function compareValues(a: unknown, b: unknown): number {
  const [left, right] = [typeOf(a), typeOf(b)];
  if (left !== right) return typeRanks.indexOf(left) - typeRanks.indexOf(right);
  if (left !== 'list' && left !== 'map') return (a as string) < (b as string) ? -1 : a === b ? 0 : 1;
  const [parts, others] = [Object.entries(a as object), Object.entries(b as object)];
  for (const [i, [key, value]] of parts.entries()) {
    const other = others[i];
    if (other === undefined) return 1;
    if (key !== other[0]) return left === 'list' ? 1 : key < other[0] ? -1 : 1;
    const order = compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return parts.length - others.length;
}

/** An element as people read it: `.ports`, `[port=80,protocol="TCP"]`, `[="x"]`. */
export function printElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('i:')) return `[${text}]`;
  const value: unknown = parseExactly(text);
  if (element.startsWith('v:')) return `[=${printValue(value)}]`;
  const pairs = isObject(value) ? Object.entries(value).map(([key, part]) => `${key}=${printValue(part)}`) : [];
  return `[${pairs.join(',')}]`;
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printValue).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return Object.entries(value)
    .map(([key, part]) => `${key}=${printValue(part)}`)
    .join('');
}
