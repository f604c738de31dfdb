// Equality and order of values, across the numeric types too.
import { jsonEqual } from '../apimachinery/json/value.ts';
import { CelError } from './errors.ts';
import {
  Duration,
  ListValue,
  type MapKey,
  MapValue,
  ObjectValue,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from './values.ts';

function isNumeric(value: Value): value is bigint | number | Uint {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;
}

function numberOf(value: bigint | number | Uint): bigint | number {
  return value instanceof Uint ? value.value : value;
}

function equalNumbers(a: bigint | number, b: bigint | number): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: only loose equality compares bigint and number, and it is exact
  return a == b;
}

/** CEL's `==`: values of different types are unequal, numbers compare by what they say. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return !(typeof a === 'number' && Number.isNaN(a));
  if (a === null || b === null) return false;
  if (isNumeric(a) && isNumeric(b)) return equalNumbers(numberOf(a), numberOf(b));
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.from(a).equals(b);
  if (a instanceof ListValue) return b instanceof ListValue && equalLists(a, b);
  if (a instanceof MapValue || a instanceof ObjectValue) {
    if (!(b instanceof MapValue || b instanceof ObjectValue)) return false;
    return equalMaps(fieldsOf(a), fieldsOf(b)) && jsonEqual(unknownFields(a), unknownFields(b));
  }
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Optional) {
    if (!(b instanceof Optional)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equal(a.value, b.value);
  }
  return a instanceof Opaque && b instanceof Opaque && a.equals(b);
}

function equalLists(a: ListValue, b: ListValue): boolean {
  if (a.items.length !== b.items.length) return false;
  if (a.listType === 'set' || b.listType === 'set') {
    return a.items.every((item) => b.items.some((other) => equal(item, other)));
  }
  if (a.listType === 'map' || b.listType === 'map') {
    const keys = a.listType === 'map' ? a.mapKeys : b.mapKeys;
    return a.items.every((item) => b.items.some((other) => sameKeys(item, other, keys) && equal(item, other)));
  }
  return a.items.every((item, i) => equal(item, b.items[i]!));
}

/** Fields that the schema does not know cannot be asked for, and count all the same. */
function unknownFields(value: MapValue | ObjectValue): Readonly<Record<string, unknown>> {
  if (value instanceof MapValue) return {};
  const known = new Set([...value.type.fields.values()].map(({ jsonName }) => jsonName));
  return Object.fromEntries(Object.entries(value.raw).filter(([name]) => !known.has(name)));
}

/** Whether two elements of a list that is a map have the same keys. */
export function sameKeys(a: Value, b: Value, keys: readonly string[]): boolean {
  return keys.every((key) => {
    const x = a instanceof ObjectValue ? a.get(key) : undefined;
    const y = b instanceof ObjectValue ? b.get(key) : undefined;
    return x === undefined || y === undefined ? x === y : equal(x, y);
  });
}

export function fieldsOf(value: MapValue | ObjectValue): ReadonlyMap<MapKey, Value> {
  if (value instanceof MapValue) return value.entries;
  return new Map(value.names().map((name) => [name, value.get(name)!]));
}

function equalMaps(a: ReadonlyMap<MapKey, Value>, b: ReadonlyMap<MapKey, Value>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

/** Negative, zero or positive. Throws CelError for values that have no order. */
export function compare(a: Value, b: Value): number {
  if (isNumeric(a) && isNumeric(b)) return order(numberOf(a), numberOf(b));
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return order(a.nanos, b.nanos);
  if (a instanceof Duration && b instanceof Duration) return order(a.nanos, b.nanos);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  throw new CelError('no such overload');
}

function order(a: bigint | number, b: bigint | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By code points, as Go compares UTF-8. */
function compareText(a: string, b: string): number {
  const hasSurrogates = /[\ud800-\udfff]/;
  if (hasSurrogates.test(a) || hasSurrogates.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}
