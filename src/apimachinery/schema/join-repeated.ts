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
  const dropped: unknown[] = [];
  let value: unknown;
  for (const next of values) {
    if (next === null && !isEmptied) continue;
    if ((schema.kind === 'object' || schema.kind === 'map') && isObject(value) && isObject(next)) {
      value = joinObjects(value, next);
    } else {
      if (value !== undefined) dropped.push(value);
      value = next ?? undefined;
    }
  }
  return { value, dropped };
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

function joinObjects(before: object, after: object): Record<string, unknown> {
  const joined: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(after)) {
    const values = Object.hasOwn(joined, key) ? [...valuesOf(joined[key]), ...valuesOf(value)] : [value];
    setKey(joined, key, repeatedOf(values));
  }
  return joined;
}

/** Item by item. Go's shorter list hides the items behind its end, and a longer one later finds them again. */
function joinLists(values: readonly unknown[]): Joined {
  const dropped: unknown[] = [];
  let items: unknown[] = [];
  let value: unknown;
  for (const next of values) {
    if (Array.isArray(next) && next.length > 0) {
      const joined = next.map((item, i) =>
        repeatedOf(i < items.length ? [...valuesOf(items[i]), ...valuesOf(item)] : [item]),
      );
      items = [...joined, ...items.slice(next.length)];
      value = joined;
    } else {
      if (items.length > 0) dropped.push(items);
      if (next !== null && !Array.isArray(next)) dropped.push(next);
      items = [];
      value = next ?? undefined;
    }
  }
  const shown = Array.isArray(value) ? value.length : 0;
  // Each in its place, since errors tell it.
  if (items.length > shown) dropped.push(items.map((item, i) => (i < shown ? null : item)));
  return { value, dropped };
}
