// Lists in a strategic merge patch: merged by merge key or as sets of scalars, and put in order.

import { goText, goTypeName } from '../json/go-text.ts';
import { isObject, type JsonObject } from '../json/value.ts';
import type { Schema } from '../schema/schema.ts';
import { PatchApplyError } from './json-patch.ts';
import { badArgument, badDirective, goKindOf, noMergeKey, PatchTypeError } from './strategic-problems.ts';

/** How the items of a list are merged. */
export interface ListKind {
  readonly items: Schema;
  /** `merge`, `replace`, or nothing. */
  readonly strategy: string;
  /** Empty: items are scalars. */
  readonly mergeKey: string;
}

type MergeItem = (original: JsonObject, patch: JsonObject) => JsonObject;

/** Both lists in one: items of the patch in its order, the others where they stood relative to those they follow. */
export function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  list: ListKind,
  mergeItem: MergeItem,
): readonly unknown[] {
  if (original.length === 0 && patch.length === 0) return original;
  const { mergeKey } = list;
  if (!hasMaps([original, patch])) {
    const merged = [...new Set([...original, ...patch])];
    return arranged(merged, { order: patch, live: original, mergeKey, isMaps: false });
  }
  if (mergeKey === '') {
    throw new PatchTypeError(`cannot merge lists without merge key for ${goKindOf(list.items)}`);
  }
  const { kept, changes } = withoutSpecialItems(original as JsonObject[], patch as JsonObject[], mergeKey);
  const merged = mergeByKey(kept, changes, { mergeKey, mergeItem });
  return arranged(merged, { order: changes, live: kept, mergeKey, isMaps: true });
}

/** The merged list in the order that `$setElementOrder` wants. `lists`: that of the object, and that of the patch. */
export function inOrder(
  merged: readonly unknown[],
  order: readonly unknown[],
  { lists, list }: { lists: readonly [readonly unknown[], readonly unknown[]]; list: ListKind },
): unknown[] {
  const parts = partition(merged, order, list.mergeKey);
  return interleaved(parts, { order, live: lists[0], mergeKey: list.mergeKey, isMaps: hasMaps(lists) });
}

/** `$deleteFromPrimitiveList`; lists of objects are merged as ever. */
export function deleteFromList(
  list: readonly unknown[],
  values: readonly unknown[],
  kind: ListKind,
  mergeItem: MergeItem,
): readonly unknown[] {
  if (list.length === 0 && values.length === 0) return list;
  if (hasMaps([list, values])) return mergeList(list, values, kind, mergeItem);
  const gone = new Set(values);
  return list.filter((item) => !gone.has(item));
}

/** Items of a patch must stand in the order that the patch itself wants, and be named there. */
export function checkAgainstOrder(patch: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (patch.length === 0 || order.length === 0) return;
  const items = mergeKey === '' ? patch : patch.filter((item) => !isDeletion(mapOf(item)));
  let next = 0;
  for (const wanted of order) {
    while (isObject(items[next]) && Object.hasOwn(items[next] as JsonObject, '$patch')) next++;
    if (next >= items.length) return;
    const pair = [items[next], wanted];
    const [left, right] = mergeKey === '' ? pair : pair.map(mapOf).map((item) => keyOf(item, mergeKey));
    if (identityOf(left) === identityOf(right)) next++;
  }
  if (next >= items.length) return;
  const text = `The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`;
  throw new PatchTypeError(text);
}

/** Whether the items are objects; all must be of one type. Throws PatchApplyError for lists of lists. */
function hasMaps(lists: readonly (readonly unknown[])[]): boolean {
  const items = lists.flat();
  const types = new Set(items.map(goTypeName));
  if (Array.isArray(items[0])) throw new PatchApplyError('lists of lists are not supported');
  if (types.size === 0) throw new PatchTypeError('no elements in any of the given slices');
  if (types.size > 1) throw new PatchTypeError(`list element types are not identical: ${goText(lists)}`);
  return isObject(items[0]);
}

/** Items of a patch with `$patch`: deletions by merge key, or `replace`, which takes the rest of the patch for the list. */
function withoutSpecialItems(
  original: readonly JsonObject[],
  patch: readonly JsonObject[],
  mergeKey: string,
): { readonly kept: readonly JsonObject[]; readonly changes: readonly JsonObject[] } {
  const changes = patch.filter((item) => !Object.hasOwn(item, '$patch'));
  const gone = new Set<string>();
  let replaces = false;
  for (const item of patch) {
    if (!Object.hasOwn(item, '$patch')) continue;
    const { $patch: directive } = item;
    if (directive === 'delete') gone.add(identityOf(keyOf(item, mergeKey)));
    else if (directive === 'replace') replaces = true;
    else if (directive === 'merge') throw new PatchTypeError('merging lists cannot yet be specified in the patch');
    else throw badDirective(directive, item);
  }
  if (replaces) return { kept: changes, changes: [] };
  const kept = original.filter((item) => !Object.hasOwn(item, mergeKey) || !gone.has(identityOf(item[mergeKey])));
  return { kept, changes };
}

function mergeByKey(
  original: readonly JsonObject[],
  changes: readonly JsonObject[],
  { mergeKey, mergeItem }: { readonly mergeKey: string; readonly mergeItem: MergeItem },
): JsonObject[] {
  const merged = [...original];
  const places = placesOf(merged, mergeKey);
  for (const change of changes) {
    const identity = identityOf(keyOf(change, mergeKey));
    const at = places.get(identity);
    const present = at === undefined ? undefined : merged[at];
    if (at !== undefined && present) merged[at] = mergeItem(present, change);
    else {
      places.set(identity, merged.length);
      merged.push(change);
    }
  }
  return merged;
}

interface Arrangement {
  /** Items or, for objects, whatever has their keys: what stands here stands in this order. */
  readonly order: readonly unknown[];
  /** The list as it was: the order of all else. */
  readonly live: readonly unknown[];
  readonly mergeKey: string;
  readonly isMaps: boolean;
}

function arranged(merged: readonly unknown[], arrangement: Arrangement): unknown[] {
  return interleaved(partition(merged, arrangement.order, arrangement.mergeKey), arrangement);
}

interface Partition {
  readonly named: readonly unknown[];
  readonly others: readonly unknown[];
}

/** Items that `order` names, and those that it does not. */
function partition(items: readonly unknown[], order: readonly unknown[], mergeKey: string): Partition {
  const wanted = placesOf(order, mergeKey);
  const firstNoMap = mergeKey === '' ? -1 : order.findIndex((item) => !isObject(item));
  const named: unknown[] = [];
  const others: unknown[] = [];
  for (const item of items) {
    const at = wanted.get(identityOf(mergeKey === '' ? item : keyOf(item, mergeKey)));
    if (firstNoMap >= 0 && (at === undefined || at > firstNoMap)) {
      throw new PatchTypeError(`value for key ${firstNoMap} is not a map`);
    }
    if (at === undefined) others.push(item);
    else named.push(item);
  }
  return { named, others };
}

/** Named items as `order` says, others as they stood; of both at hand the one that stood first. */
function interleaved(parts: Partition, { order, live, mergeKey, isMaps }: Arrangement): unknown[] {
  if (isMaps) for (const item of [...parts.named, ...order, ...parts.others, ...live]) keyOf(item, mergeKey);
  const key = isMaps ? mergeKey : '';
  const named = sortedBy(parts.named, order, key);
  const others = sortedBy(parts.others, live, key);
  const standing = placesOf(live, key);
  const placeOf = (item: unknown) => standing.get(identityOf(key === '' ? item : (item as JsonObject)[key])) ?? -1;
  const result: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const at = placeOf(item);
    while (next < others.length && at >= 0) {
      const otherAt = placeOf(others[next]);
      if (otherAt < 0 || otherAt >= at) break;
      result.push(others[next++]);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}

/** Upstream takes an item that `order` does not name for less than any other, with what that does to its insertion sort. */
const mostUnnamed = 20;

function sortedBy(items: readonly unknown[], order: readonly unknown[], mergeKey: string): unknown[] {
  const places = placesOf(order, mergeKey);
  const rank = (item: unknown) => places.get(identityOf(mergeKey === '' ? item : keyOf(item, mergeKey)));
  const ranked = items.map((item) => ({ item, rank: rank(item) }));
  if (ranked.length > mostUnnamed || ranked.every((one) => one.rank !== undefined)) {
    return ranked.sort((a, b) => (a.rank ?? -1) - (b.rank ?? -1)).map(({ item }) => item);
  }
  const sorted: typeof ranked = [];
  for (const one of ranked) {
    let at = sorted.length;
    const isLess = (other: (typeof ranked)[number] | undefined) =>
      one.rank === undefined || other?.rank === undefined || one.rank < other.rank;
    while (at > 0 && isLess(sorted[at - 1])) at--;
    sorted.splice(at, 0, one);
  }
  return sorted.map(({ item }) => item);
}

function isDeletion(item: JsonObject): boolean {
  return Object.hasOwn(item, '$patch') && item.$patch === 'delete';
}

function mapOf(item: unknown): JsonObject {
  if (isObject(item)) return item;
  throw badArgument('map', item);
}

function keyOf(item: unknown, mergeKey: string): unknown {
  const map = mapOf(item);
  if (Object.hasOwn(map, mergeKey)) return map[mergeKey];
  throw noMergeKey(map, mergeKey);
}

/** Where each item stands first, by the identity of its key; what has none is left out. */
function placesOf(items: readonly unknown[], mergeKey: string): Map<string, number> {
  const places = new Map<string, number>();
  for (const [i, item] of items.entries()) {
    if (mergeKey !== '' && !(isObject(item) && Object.hasOwn(item, mergeKey))) continue;
    const identity = identityOf(mergeKey === '' ? item : (item as JsonObject)[mergeKey]);
    if (!places.has(identity)) places.set(identity, i);
  }
  return places;
}

/** Equal for values that are equal as JSON. */
function identityOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(identityOf).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'undefined';
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${identityOf(value[key])}`).join()}}`;
}
