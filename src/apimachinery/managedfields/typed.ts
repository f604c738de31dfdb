// Objects seen through their schema: how a value is owned, what a list item is known by, which paths an object has (upstream
// structured-merge-diff, package typed).

import { isEmptyObject, isObject } from '../json/value.ts';
import type { Field, ListSchema, Schema } from '../schema/schema.ts';
import { ownValue } from '../table.ts';
import { type FieldSet, FieldSetBuilder } from './field-set.ts';
import { goJson } from './path-element.ts';

/** What a list item is known by: `k:{"port":80,"protocol":"TCP"}` or `v:"x"`. Undefined for what can be no such item. */
export function elementOf(item: unknown, schema: ListSchema): string | undefined {
  if (schema.type === 'set') return typeof item === 'object' || item === undefined ? undefined : `v:${goJson(item)}`;
  if (!isObject(item)) return undefined;
  let text = '';
  for (const key of schema.keys.length > 1 ? schema.keys.toSorted() : schema.keys) {
    let value = ownValue(item, key);
    if (value === undefined && schema.items.kind === 'object') value = keyDefault(schema.items.fields.get(key));
    if (value !== undefined) text += `${text === '' ? 'k:{' : ','}${goJson(key)}:${goJson(value)}`;
  }
  return text === '' ? undefined : `${text}}`;
}

const zeros = { string: '', int32: 0, int64: 0, boolean: false } as const;

/** What a key is that an item leaves out: its default, or the zero value of what is always written. */
function keyDefault(field: Field | undefined): string | number | boolean | undefined {
  if (field === undefined || field.default !== undefined || field.absent !== 'zero') return field?.default;
  const { kind } = field.schema;
  return kind === 'string' || kind === 'int32' || kind === 'int64' || kind === 'boolean' ? zeros[kind] : undefined;
}

/** What a deduced type is where it is a map. */
export const deducedMap: Schema = { kind: 'map', values: { kind: 'deduced' }, atomic: false };
const leaf: Schema = { kind: 'any' };

/** A deduced type as a value tells: a map (which null may be as well), else a value as a whole. */
export function resolved(schema: Schema, value: unknown): Schema {
  if (schema.kind !== 'deduced') return schema;
  return value === undefined || value === null || isObject(value) ? deducedMap : leaf;
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

/** The elements of fields, by name: to make each anew costs more than all else here. */
const fieldElements = new Map<string, string>();
/** Those of fields that types know are fewer than a thousand; the keys of maps have no end. */
const mostElements = 4000;
/** Characters. */
const longestKept = 64;

/** What a field is known by: `f:spec`. */
export function fieldElement(key: string): string {
  if (key.length > longestKept) return `f:${key}`;
  let element = fieldElements.get(key);
  if (element === undefined) {
    if (fieldElements.size === mostElements) fieldElements.clear();
    element = `f:${key}`;
    fieldElements.set(key, element);
  }
  return element;
}

/** List items by their element: one, or several where the list holds duplicates. What can be no item is left out. */
export function indexItems(list: unknown, schema: ListSchema): Map<string, readonly unknown[]> {
  const items = new Map<string, unknown[]>();
  if (!Array.isArray(list)) return items;
  for (const item of list) {
    const element = elementOf(item, schema);
    if (element === undefined) continue;
    const same = items.get(element);
    if (same === undefined) items.set(element, [item]);
    else same.push(item);
  }
  return items;
}

/** The paths that an applied object, as it was sent, has an opinion on: its leaves, map entries and list items. */
export function fieldSetOf(object: unknown, schema: Schema): FieldSet {
  return collected(object, schema, { isDecoded: false });
}

/** The same of an object that was decoded, where an empty list may be one that is not there. */
export function fieldSetOfDecoded(object: unknown, schema: Schema): FieldSet {
  return collected(object, schema, { isDecoded: true });
}

interface Collection {
  readonly path: string[];
  readonly into: FieldSetBuilder;
  readonly isDecoded: boolean;
}

function collected(object: unknown, schema: Schema, { isDecoded }: Pick<Collection, 'isDecoded'>): FieldSet {
  const into = new FieldSetBuilder();
  collect(object, schema, { path: [], into, isDecoded });
  return into.build();
}

function collect(value: unknown, type: Schema, collection: Collection): void {
  const { path, into } = collection;
  const schema = resolved(type, value);
  if (isAtomic(schema)) {
    into.insert(path);
    return;
  }
  if (value === null || value === undefined) return;
  if (schema.kind === 'list') {
    for (const [element, same] of indexItems(value, schema)) {
      path.push(element);
      // Of duplicates nobody owns the parts.
      if (same.length === 1) collect(same[0], schema.items, collection);
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
    collect(given, below, collection);
    if (given === null || (isObject(given) && isEmptyObject(given)) || !isNamed(schema, key)) into.insert(path);
    else if (collection.isDecoded && isUnsetList(given, schema, key)) into.insert(path);
    path.pop();
  }
}

/** Is the key a field that the type knows by name? What else a type holds are entries, which can be owned themselves. */
export function isNamed(schema: Schema, key: string): boolean {
  return schema.kind === 'object' && schema.fields.has(key);
}

/** The empty list that decoding puts for an absent one: upstream has null there, which counts as a value. */
function isUnsetList(value: unknown, schema: Schema, key: string): boolean {
  if (!Array.isArray(value) || value.length > 0 || schema.kind !== 'object') return false;
  return schema.fields.get(key)?.absent === 'list';
}

/** Nothing, null, or a list or map without anything in it. */
export function isBare(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && isEmptyObject(value);
}
