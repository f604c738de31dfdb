// Objects seen through their schema: which paths an object has, and which differ between two (upstream
// structured-merge-diff, package typed).

import { isObject, type JsonObject, jsonEqual } from '../json/value.ts';
import type { ListSchema, Schema } from '../schema/schema.ts';
import { ownValue } from '../table.ts';
import { type Children, emptySet, type FieldSet, FieldSetBuilder, node } from './field-set.ts';

/** What a list item is known by: `k:{"port":80,"protocol":"TCP"}` or `v:"x"`. Undefined where it lacks all keys. */
export function elementOf(item: unknown, schema: ListSchema): string | undefined {
  if (schema.type === 'set') return `v:${JSON.stringify(item)}`;
  if (!isObject(item)) return undefined;
  const keys: Record<string, unknown> = {};
  for (const key of schema.keys.toSorted()) {
    const value =
      ownValue(item, key) ?? (schema.items.kind === 'object' ? schema.items.fields.get(key)?.default : undefined);
    if (value !== undefined && value !== null) keys[key] = value;
  }
  return Object.keys(keys).length === 0 ? undefined : `k:${JSON.stringify(keys)}`;
}

const deducedMap: Schema = { kind: 'map', values: { kind: 'deduced' }, atomic: false };

/** A deduced type as its values tell: a map where all are objects, else a value as a whole. */
export function resolved(schema: Schema, ...values: readonly unknown[]): Schema {
  if (schema.kind !== 'deduced') return schema;
  return values.every((value) => value === undefined || isObject(value)) ? deducedMap : { kind: 'any' };
}

/** Is a value of this type owned and replaced as a whole? */
export function isAtomic(schema: Schema): boolean {
  switch (schema.kind) {
    case 'object':
    case 'map':
      return schema.atomic;
    case 'list':
      return schema.type === 'atomic';
    default:
      return true;
  }
}

/** The type of what stands under a key of an object or map; undefined where the type has no such field. */
export function schemaUnder(schema: Schema, key: string): Schema | undefined {
  if (schema.kind === 'object') return schema.fields.get(key)?.schema ?? schema.others;
  return schema.kind === 'map' ? schema.values : undefined;
}

/** List items by their element. Of several items with one element the first counts, as upstream. */
export function indexItems(list: unknown, schema: ListSchema): Map<string, unknown> {
  const items = new Map<string, unknown>();
  if (!Array.isArray(list)) return items;
  for (const item of list) {
    const element = elementOf(item, schema) ?? 'k:{}';
    if (!items.has(element)) items.set(element, item);
  }
  return items;
}

/** The paths that an applied object has an opinion on: its leaves, map entries and list items. */
export function fieldSetOf(object: unknown, schema: Schema): FieldSet {
  const builder = new FieldSetBuilder();
  collect(object, schema, [], builder);
  return builder.build();
}

function collect(value: unknown, type: Schema, path: string[], into: FieldSetBuilder): void {
  const schema = resolved(type, value);
  if (isAtomic(schema)) {
    into.insert(path);
    return;
  }
  if (value === null || value === undefined) return;
  if (schema.kind === 'list') {
    for (const [element, item] of indexItems(value, schema)) {
      path.push(element);
      collect(item, schema.items, path, into);
      into.insert(path);
      path.pop();
    }
    return;
  }
  if (!isObject(value)) return;
  for (const key in value) {
    const below = schemaUnder(schema, key);
    const given = value[key];
    if (below === undefined || given === undefined) continue;
    path.push(`f:${key}`);
    collect(given, below, path, into);
    if (given === null || (isObject(given) && isEmptyObject(given)) || schema.kind === 'map') into.insert(path);
    else if (isUnsetList(given, schema, key)) into.insert(path);
    path.pop();
  }
}

/** The empty list that decoding puts for an absent one: upstream has null there, which counts as a value. */
function isUnsetList(value: unknown, schema: Schema, key: string): boolean {
  if (!Array.isArray(value) || value.length > 0 || schema.kind !== 'object') return false;
  return schema.fields.get(key)?.absent === 'list';
}

function isEmptyObject(value: JsonObject): boolean {
  for (const _ in value) return false;
  return true;
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What differs from `before` to `after`. A struct, map or list item that is new or gone is named along with its parts. */
export function compareTyped(before: unknown, after: unknown, schema: Schema): Comparison {
  const { added, modified, removed } = compareValue(before, after, schema) ?? nothing;
  return { added: rootOf(added), modified: rootOf(modified), removed: rootOf(removed) };
}

/** The root itself is never in a set. */
function rootOf(set: FieldSet | undefined): FieldSet {
  if (set === undefined) return emptySet;
  if (set['.'] === undefined) return set;
  const { '.': _, ...below } = set;
  return below;
}

/** What of each set is at and below one place. Made on the way up, so that no paths need be kept. */
interface Difference {
  readonly added: FieldSet | undefined;
  readonly modified: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}

const nothing: Difference = { added: undefined, modified: undefined, removed: undefined };
const isAdded: Difference = { ...nothing, added: emptySet };
const isModified: Difference = { ...nothing, modified: emptySet };
const isRemoved: Difference = { ...nothing, removed: emptySet };

function isBare(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && isEmptyObject(value);
}

function compareValue(before: unknown, after: unknown, type: Schema): Difference | undefined {
  if (before === after) return undefined;
  const schema = resolved(type, before, after);
  // Two empty values are told apart as a whole, so that null and {} differ.
  if (isAtomic(schema) || (isBare(before) && isBare(after))) {
    if (before === undefined) return isAdded;
    if (after === undefined) return isRemoved;
    return jsonEqual(before, after) ? undefined : isModified;
  }
  const below = new Parts();
  if (schema.kind === 'list') compareLists(before, after, schema, below);
  else compareObjects(before, after, schema, below);
  return below.difference(before === undefined, after === undefined);
}

/** The differences of the parts of one value. */
class Parts {
  added: Children;
  modified: Children;
  removed: Children;

  add(element: string, part: Difference | undefined): void {
    if (part === undefined) return;
    if (part.added !== undefined) {
      this.added ??= {};
      this.added[element] = part.added;
    }
    if (part.modified !== undefined) {
      this.modified ??= {};
      this.modified[element] = part.modified;
    }
    if (part.removed !== undefined) {
      this.removed ??= {};
      this.removed[element] = part.removed;
    }
  }

  difference(isNew: boolean, isGone: boolean): Difference {
    const { added, modified, removed } = this;
    return { added: node(isNew, added), modified: node(false, modified), removed: node(isGone, removed) };
  }
}

function compareObjects(before: unknown, after: unknown, schema: Schema, parts: Parts): void {
  const left = isObject(before) ? before : {};
  const right = isObject(after) ? after : {};
  const step = (key: string) => {
    const below = schemaUnder(schema, key);
    if (below === undefined) return;
    const was = ownValue(left, key);
    const is = ownValue(right, key);
    if (was !== is) parts.add(`f:${key}`, compareValue(was, is, below));
  };
  for (const key in left) step(key);
  for (const key in right) if (!Object.hasOwn(left, key)) step(key);
}

function compareLists(before: unknown, after: unknown, schema: ListSchema, parts: Parts): void {
  const left = indexItems(before, schema);
  const right = indexItems(after, schema);
  const step = (element: string) => {
    parts.add(element, compareValue(left.get(element), right.get(element), schema.items));
  };
  for (const element of left.keys()) step(element);
  for (const element of right.keys()) if (!left.has(element)) step(element);
}
