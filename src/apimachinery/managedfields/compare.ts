// What differs between two objects of a type, as paths (upstream structured-merge-diff, package typed).
import { isObject, jsonEqual } from '../json/value.ts';
import type { ListSchema, Schema } from '../schema/schema.ts';
import { ownValue } from '../table.ts';
import { type Children, emptySet, type FieldSet, inOrder, node, rootOf, sortTexts } from './field-set.ts';
import { deducedMap, elementOf, fieldElement, indexItems, isAtomic, isBare, resolved, schemaUnder } from './typed.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Nothing differs. */
export const noChange: Comparison = { added: emptySet, modified: emptySet, removed: emptySet };

/** What differs from `before` to `after`. A struct, map or list item that is new or gone is named along with its parts. */
export function compareTyped(before: unknown, after: unknown, schema: Schema): Comparison {
  const { added, modified, removed } = compareValue(before, after, schema) ?? noChange;
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

const isModified: Difference = { added: undefined, modified: emptySet, removed: undefined };

function compareValue(before: unknown, after: unknown, type: Schema): Difference | undefined {
  if (before === after) return undefined;
  if (before === undefined) return { added: allOf(after, type), modified: undefined, removed: undefined };
  if (after === undefined) return { added: undefined, modified: undefined, removed: allOf(before, type) };
  const [was, is] = [resolved(type, before), resolved(type, after)];
  if (was === is) return compareAs(before, after, is);
  // A map on one side and a value as a whole on the other: the entries of the map come or go, and the whole changes.
  const entries = compareAs(isObject(before) ? before : null, isObject(after) ? after : null, deducedMap);
  return { added: entries?.added, modified: emptySet, removed: entries?.removed };
}

function compareAs(before: unknown, after: unknown, schema: Schema): Difference | undefined {
  // Two empty values are told apart as a whole, so that null and {} differ.
  if (isAtomic(schema) || (isBare(before) && isBare(after))) {
    return jsonEqual(before, after) ? undefined : isModified;
  }
  const below = new Parts();
  if (schema.kind === 'list') compareLists(before, after, schema, below);
  else compareObjects(before, after, schema, below);
  return below.difference();
}

/** What is new or gone as a whole: the value and all its parts. */
function allOf(value: unknown, type: Schema): FieldSet {
  const schema = resolved(type, value);
  if (isAtomic(schema) || isBare(value)) return emptySet;
  if (schema.kind === 'list') return allOfItems(value, schema);
  const result: Record<string, FieldSet> = { '.': emptySet };
  if (!isObject(value)) return emptySet;
  const keys = Object.keys(value);
  sortTexts(keys);
  let any = false;
  for (const key of keys) {
    const below = schemaUnder(schema, key);
    const part = value[key];
    if (below === undefined || part === undefined) continue;
    result[fieldElement(key)] = allOf(part, below);
    any = true;
  }
  return any ? result : emptySet;
}

function allOfItems(list: unknown, schema: ListSchema): FieldSet {
  if (!Array.isArray(list)) return emptySet;
  const result: Record<string, FieldSet> = { '.': emptySet };
  let any = false;
  for (const item of list) {
    const element = elementOf(item, schema);
    if (element === undefined) continue;
    // Of duplicates nobody owns the parts.
    result[element] = result[element] === undefined ? allOf(item, schema.items) : emptySet;
    any = true;
  }
  return any ? inOrder(result) : emptySet;
}

/** The differences of the parts of one value. */
class Parts {
  added: Children;
  modified: Children;
  removed: Children;

  add(element: string, part: Difference): void {
    if (part.added !== undefined) this.addNew(element, part.added);
    if (part.modified !== undefined) {
      this.modified ??= {};
      this.modified[element] = part.modified;
    }
    if (part.removed !== undefined) {
      this.removed ??= {};
      this.removed[element] = part.removed;
    }
  }

  addNew(element: string, part: FieldSet): void {
    this.added ??= {};
    this.added[element] = part;
  }

  difference(): Difference {
    const { added, modified, removed } = this;
    return { added: node(false, added), modified: node(false, modified), removed: node(false, removed) };
  }
}

function compareObjects(before: unknown, after: unknown, schema: Schema, parts: Parts): void {
  const left = isObject(before) ? before : {};
  const right = isObject(after) ? after : {};
  for (const key in left) {
    const was = left[key];
    const is = ownValue(right, key);
    const below = was === is ? undefined : schemaUnder(schema, key);
    const part = below && compareValue(was, is, below);
    if (part) parts.add(fieldElement(key), part);
  }
  for (const key in right) {
    const is = right[key];
    // What is new is most of it where an object is made, and asks for no more than that.
    const below = is === undefined || Object.hasOwn(left, key) ? undefined : schemaUnder(schema, key);
    if (below) parts.addNew(fieldElement(key), allOf(is, below));
  }
}

function compareLists(before: unknown, after: unknown, schema: ListSchema, parts: Parts): void {
  const left = indexItems(before, schema);
  const right = indexItems(after, schema);
  const step = (element: string) => {
    const part = compareItems(left.get(element) ?? [], right.get(element) ?? [], schema);
    if (part !== undefined) parts.add(element, part);
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
