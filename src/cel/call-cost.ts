// What a call costs once its arguments are known: cel-go's interpreter/runtimecost and Kubernetes' library/cost. Traversing a
// text costs a tenth of its characters, everything that does not grow with its arguments one.
import { table } from '../apimachinery/table.ts';
import type { CIDR } from '../net/cidr.ts';
import {
  Duration,
  ListValue,
  MapValue,
  ObjectValue,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from './values.ts';

/** cel-go's factors: units for each character of a text that is gone through, and of a pattern that is matched. */
export const perCharacter = 0.1;
export const perRegexCharacter = 0.25;
/** To make a list, beyond the call. */
const newList = 10;

type Cost = (args: readonly Value[]) => number;

/** Undefined: it depends on the result. */
export function callCost(name: string, args: readonly Value[]): number | undefined {
  return resultCosts[name] ? undefined : (costs[name]?.(args) ?? 1);
}

/** Of a function whose cost depends on what it makes. */
export function resultCost(name: string, result: Value): number {
  return resultCosts[name]?.(result) ?? 1;
}

/** Characters of a text, bytes, elements; one for all that has no size. */
function sizeOf(value: Value | undefined): number {
  if (typeof value === 'string') return charactersIn(value);
  if (value === null || typeof value !== 'object') return 1;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof ListValue) return value.items.length;
  if (value instanceof MapValue) return value.entries.size;
  if (value instanceof ObjectValue) return Object.keys(value.raw).length;
  if (value instanceof Opaque) return addressBytes(value) ?? 1;
  return value instanceof Optional && value.value !== undefined ? sizeOf(value.value) : 1;
}

function charactersIn(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count--;
  return count;
}

/** Of an address its bytes, of a block those of its prefix. */
function addressBytes({ typeName, content }: Opaque): number | undefined {
  if (typeName === 'net.IP') return (content as { family: CIDR['family'] }).family === 'IPv4' ? 4 : 16;
  if (typeName === 'net.CIDR') return Math.ceil((content as { prefixLength: number }).prefixLength / 8);
  return undefined;
}

/** What it costs to go through all of a value. */
function traversal(value: Value): number {
  if (typeof value === 'string') return Math.floor(Buffer.byteLength(value) * perCharacter);
  if (value instanceof Uint8Array) return Math.floor(value.length * perCharacter);
  if (value instanceof ListValue) return value.items.reduce<number>((sum, item) => sum + traversal(item), 0);
  if (value instanceof MapValue) {
    return [...value.entries].reduce((sum, [key, item]) => sum + traversal(key) + traversal(item), 0);
  }
  if (value instanceof ObjectValue) {
    return value.names().reduce((sum, name) => sum + traversal(name) + traversal(value.get(name) ?? null), 0);
  }
  return 1;
}

const text: Cost = ([first]) => Math.ceil(sizeOf(first) * perCharacter);
const twice: Cost = ([first]) => Math.ceil(sizeOf(first) * 2 * perCharacter);
const through: Cost = ([first]) => traversal(first ?? null);
const selector: Cost = ([, given]) => {
  const length = sizeOf(given);
  return newList + Math.ceil(length * perCharacter) + Math.ceil(length * 0.5) * 50;
};

function matching(subject: Value | undefined, pattern: number): number {
  return Math.ceil((1 + sizeOf(subject)) * perCharacter) * Math.ceil(pattern * perRegexCharacter);
}

const regex: Cost = ([subject, pattern]) => matching(subject, sizeOf(pattern));

function selfCompared(list: Value | undefined): number {
  const items = list instanceof ListValue ? list.items : [];
  const isText = typeof items[0] === 'string' || items[0] instanceof Uint8Array;
  return 1 + newList + Math.floor(items.length * items.length * (isText ? 2 + perCharacter : 2));
}

function product(factor: number): Cost {
  return ([a, b]) => 1 + Math.floor(sizeOf(a) * sizeOf(b) * factor);
}

const ordered: Cost = ([a, b]) => {
  const isText = typeof a === 'string' || a instanceof Uint8Array;
  return isText ? Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * perCharacter) : 1;
};
const unequal: Cost = ([a, b]) => Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * perCharacter);
const isPlain = (value: Value | undefined) =>
  value instanceof Uint || value instanceof Timestamp || value instanceof Duration || value instanceof TypeValue;

function contained([outer, inner]: readonly Value[], extra: (size: number) => number): number {
  const size = sizeOf(outer);
  const parsed = typeof inner === 'string' ? Math.ceil(sizeOf(inner) * perCharacter) : 0;
  return Math.ceil((size + size) * perCharacter) + extra(size) + parsed;
}

/** The longest expression that a named format is checked with. */
const formatPatternSizes = table<number>({
  dns1123Label: 30,
  dns1123Subdomain: 60,
  dns1035Label: 30,
  qualifiedName: 60,
  dns1123LabelPrefix: 30,
  dns1123SubdomainPrefix: 60,
  dns1035LabelPrefix: 30,
  labelValue: 40,
  uri: 1103,
  uuid: 70,
  byte: 84,
  date: 71,
  datetime: 71,
});

const made = (result: Value) => 1 + newList + sizeOf(result);

const resultCosts = table<(result: Value) => number>({
  join: (result) => Math.ceil(sizeOf(result) * 2 * perCharacter),
  slice: made,
  'lists.range': made,
  reverse: made,
});

const costs = table<Cost>({
  check: () => 350_000,
  fieldSelector: selector,
  labelSelector: selector,
  isSorted: through,
  sum: through,
  max: through,
  min: through,
  indexOf: through,
  lastIndexOf: through,
  url: text,
  lowerAscii: text,
  upperAscii: text,
  substring: text,
  trim: text,
  'jsonpatch.escapeKey': text,
  replace: twice,
  split: twice,
  find: regex,
  findAll: regex,
  matches: regex,
  cidr: text,
  isIP: text,
  isCIDR: text,
  ip: ([first]) => (typeof first === 'string' ? Math.ceil(sizeOf(first) * perCharacter) : 1),
  'ip.isCanonical': twice,
  containsIP: (args) => contained(args, () => 0),
  containsCIDR: (args) => contained(args, (size) => Math.ceil(size * perCharacter) + 1),
  quantity: text,
  isQuantity: text,
  semver: text,
  isSemver: text,
  validate: ([format, subject]) => matching(subject, formatPatternSizes[(format as Opaque<string>).content] ?? 0),
  distinct: ([list]) => selfCompared(list),
  sort: ([list]) => selfCompared(list),
  '@sortByAssociatedKeys': ([, keys]) => selfCompared(keys),
  flatten: ([list, depth]) => 1 + newList + sizeOf(list) * (typeof depth === 'bigint' ? Number(depth) : 1),
  'sets.contains': product(1),
  'sets.intersects': product(1),
  'sets.equivalent': product(2),
  startsWith: ([, part]) => Math.ceil(sizeOf(part) * perCharacter),
  endsWith: ([, part]) => Math.ceil(sizeOf(part) * perCharacter),
  contains: ([whole, part]) => Math.ceil(sizeOf(whole) * perCharacter) * Math.ceil(sizeOf(part) * perCharacter),
  bytes: ([given]) => (typeof given === 'string' ? Math.ceil(sizeOf(given) * perCharacter) : 1),
  string: ([given]) => (given instanceof Uint8Array ? Math.ceil(given.length * perCharacter) : 1),
  'strings.quote': text,
  format: text,
  '@in': ([, container]) => (container instanceof ListValue ? container.items.length : 1),
  '_<_': ordered,
  '_<=_': ordered,
  '_>_': ordered,
  '_>=_': ordered,
  '_==_': (args) => (args[0] instanceof Opaque || isPlain(args[0]) ? 1 : unequal(args)),
  '_!=_': unequal,
  '_+_': ([a, b]) => {
    const isText = typeof a === 'string' || a instanceof Uint8Array;
    return isText ? Math.ceil((sizeOf(a) + sizeOf(b)) * perCharacter) : 1;
  },
});
