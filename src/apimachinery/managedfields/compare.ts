// What differs between two objects of a type, as paths (upstream structured-merge-diff, package typed).
import { isObject, jsonEqual } from '../json/value.ts';
import type { ListSchema, Schema } from '../schema/schema.ts';
import { ownValue } from '../table.ts';
import { type Children, emptySet, type FieldSet, node, rootOf } from './field-set.ts';
import { deducedMap, indexItems, isAtomic, isBare, resolved, schemaUnder } from './typed.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Nothing differs. */
export const noChange: Comparison = { added: emptySet, modified: emptySet, removed: emptySet };

/** What differs from `before` to `after`. A struct, map or list item that is new or gone is named along with its parts. */
export function compareTyped(before: unknown, after: unknown, schema: Schema): Comparison {
  const { added, modified, removed } = compareValue(before, after, schema) ?? nothing;
  return {
    added: rootOf(added ?? emptySet),
    modified: rootOf(modified ?? emptySet),
    removed: rootOf(removed ?? emptySet),
  };
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

function compareValue(before: unknown, after: unknown, type: Schema): Difference | undefined {
  if (before === after) return undefined;
  const was = resolved(type, before === undefined ? after : before);
  const is = resolved(type, after === undefined ? before : after);
  if (was === is) return compareAs(before, after, is);
  // A map on one side and a value as a whole on the other: the entries of the map come or go, and the whole changes.
  const entries = compareAs(isObject(before) ? before : null, isObject(after) ? after : null, deducedMap);
  return { added: entries?.added, modified: emptySet, removed: entries?.removed };
}

function compareAs(before: unknown, after: unknown, schema: Schema): Difference | undefined {
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
    parts.add(element, compareItems(left.get(element) ?? [], right.get(element) ?? [], schema));
  };
  for (const element of left.keys()) step(element);
  for (const element of right.keys()) if (!left.has(element)) step(element);
}

/** Items of one element. Duplicates are one value as a whole: their parts are nobody's. */
function compareItems(
  before: readonly unknown[],
  after: readonly unknown[],
  { items }: ListSchema,
): Difference | undefined {
  if (before.length <= 1 && after.length <= 1) return compareValue(before[0], after[0], items);
  if (before.length > 1 && after.length > 1) return jsonEqual(before, after) ? undefined : isModified;
  if (before.length > 1) {
    const single = after.length === 0 ? undefined : compareValue(undefined, after[0], items);
    return { added: single?.added, modified: undefined, removed: emptySet };
  }
  const single = before.length === 0 ? undefined : compareValue(before[0], undefined, items);
  return { added: emptySet, modified: undefined, removed: single?.removed };
}
