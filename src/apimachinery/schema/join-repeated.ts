// Keys that are repeated in one object of JSON: Go reads each value into what the one before it left in the field.
import { repeatedOf, valuesOf } from '../json/repeated.ts';
import { isObject, setKey } from '../json/value.ts';
import type { Schema } from './schema.ts';

export interface Joined {
  /** What stands in the field at the end; below it keys may be repeated in turn. Undefined: nothing. */
  readonly value: unknown;
  /** What does not count any more, but must fit the type. */
  readonly dropped: readonly unknown[];
}

/**
 * Structs and the items of lists are filled up by what comes later, maps keep the keys that they had (but not what stood under a
 * key that comes again), all else is replaced. null empties a field that can be empty (`isPointer`, lists, maps), and says nothing
 * of others.
 */
export function joinRepeated(values: readonly unknown[], schema: Schema, isPointer: boolean): Joined {
  if (schema.kind === 'list') return joinLists(values);
  const isEmptied = isPointer || emptied.has(schema.kind);
  const isFilledUp = schema.kind === 'object' || schema.kind === 'map';
  const dropped: unknown[] = [];
  let value: unknown;
  /** Objects that fill one another up, of which the first is the value. */
  let objects: object[] = [];
  const joined = () => (objects.length > 1 ? joinObjects(objects) : value);
  for (const next of values) {
    if (next === null && !isEmptied) continue;
    if (isFilledUp && isObject(value) && isObject(next)) {
      objects.push(next);
      continue;
    }
    if (value !== undefined) dropped.push(joined());
    value = next ?? undefined;
    objects = isObject(value) ? [value] : [];
  }
  return { value: joined(), dropped };
}

const emptied: ReadonlySet<Schema['kind']> = new Set([
  'map',
  'bytes',
  'quantity',
  'time',
  'micro-time',
  'any',
  'deduced',
]);

function joinObjects(objects: readonly object[]): Record<string, unknown> {
  const values = new Map<string, unknown[]>();
  for (const object of objects) {
    for (const [key, value] of Object.entries(object)) {
      const known = values.get(key) ?? [];
      values.set(key, known);
      for (const one of valuesOf(value)) known.push(one);
    }
  }
  const joined: Record<string, unknown> = {};
  for (const [key, those] of values) setKey(joined, key, repeatedOf(those));
  return joined;
}

/** Item by item. Go's shorter list hides the items behind its end, and a longer one later finds them again. */
function joinLists(values: readonly unknown[]): Joined {
  const dropped: unknown[] = [];
  /** What each item was, one after the other. */
  let items: unknown[][] = [];
  let shown = 0;
  let value: unknown;
  for (const next of values) {
    if (Array.isArray(next) && next.length > 0) {
      for (const [i, item] of next.entries()) {
        items[i] ??= [];
        for (const one of valuesOf(item)) items[i]!.push(one);
      }
      shown = next.length;
    } else {
      if (items.length > 0) dropped.push(items.map(repeatedOf));
      if (next !== null && !Array.isArray(next)) dropped.push(next);
      items = [];
      shown = 0;
      value = next ?? undefined;
    }
  }
  // Each in its place, since errors tell it.
  if (items.length > shown) dropped.push(items.map((item, i) => (i < shown ? null : repeatedOf(item))));
  return { value: shown > 0 ? items.slice(0, shown).map(repeatedOf) : value, dropped };
}
