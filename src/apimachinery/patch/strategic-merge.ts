// Strategic merge patch: a merge patch that knows the type, so that lists with a merge key are merged item by item.
// Directives, behaviour and errors are those of k8s.io/apimachinery/pkg/util/strategicpatch:
//   $patch: replace | delete | merge     on an object, or on an item of a list
//   $retainKeys: [a, b]                  clears all other keys of the object
//   $setElementOrder/<list>: […]         the order of the merged list
//   $deleteFromPrimitiveList/<list>: […] values to take out of a list of scalars

import { isObject, type JsonObject, setKey } from '../json/value.ts';
import type { Field, ObjectSchema, Schema } from '../schema/schema.ts';
import { ownValue } from '../table.ts';
import { PatchSyntaxError } from './json-patch.ts';

const patchDirective = '$patch';
const retainKeysDirective = '$retainKeys';
const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/** The patched document; neither argument is changed, unchanged parts are shared. Throws PatchSyntaxError. */
export function applyStrategicMergePatch(document: JsonObject, patch: JsonObject, schema: ObjectSchema): JsonObject {
  return mergeObject(document, patch, schema);
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  if (Object.hasOwn(patch, patchDirective)) {
    const directive = patch[patchDirective];
    const { [patchDirective]: _, ...rest } = patch;
    if (directive === 'replace') return withoutDirectives(rest);
    if (directive === 'delete') return {};
    if (directive !== 'merge') {
      throw new PatchSyntaxError(`Unknown patch type found: ${String(directive)} in map`);
    }
    return mergeObject(original, rest, schema);
  }
  const result: Record<string, unknown> = retainKeys(original, patch);
  for (const key in patch) {
    if (key === retainKeysDirective) continue;
    if (key.startsWith(orderPrefix) || key.startsWith(deletePrefix)) {
      applyParallelDirective(result, key, patch, schema);
      continue;
    }
    const value = patch[key];
    if (value === null) {
      delete result[key];
      continue;
    }
    if (!Object.hasOwn(result, key)) {
      setKey(result, key, withoutDirectives(value));
      continue;
    }
    setKey(result, key, mergeValue(result[key], { patch, key }, fieldOf(schema, key)));
  }
  return result;
}

/** The schema of a key: a field of a struct, or the values of a map. */
function fieldOf(
  schema: Schema | undefined,
  key: string,
): Pick<Field, 'schema' | 'patchStrategy' | 'patchMergeKey'> | undefined {
  if (schema?.kind === 'object') return schema.fields.get(key);
  if (schema?.kind === 'map') return { schema: schema.values, patchStrategy: [], patchMergeKey: undefined };
  return undefined;
}

function mergeValue(
  original: unknown,
  at: { patch: JsonObject; key: string },
  field: ReturnType<typeof fieldOf>,
): unknown {
  const value = at.patch[at.key];
  const replaces = field?.patchStrategy.includes('replace') ?? false;
  if (isObject(original) && isObject(value) && !replaces) return mergeObject(original, value, field?.schema);
  if (!Array.isArray(original) || !Array.isArray(value) || !field?.patchStrategy.includes('merge')) {
    return withoutDirectives(value);
  }
  const order = at.patch[orderPrefix + at.key];
  return mergeList(original, value, {
    items: field.schema.kind === 'list' ? field.schema.items : undefined,
    mergeKey: field.patchMergeKey,
    order: Array.isArray(order) ? order : undefined,
  });
}

/** Keeps only the listed keys of the original; every key of the patch must be among them. */
function retainKeys(original: JsonObject, patch: JsonObject): Record<string, unknown> {
  const list = patch[retainKeysDirective];
  if (list === undefined) return { ...original };
  if (!Array.isArray(list)) throw new PatchSyntaxError('the retainKeys list must be a list');
  for (const key in patch) {
    if (!key.startsWith('$') && patch[key] !== null && !list.includes(key)) {
      throw new PatchSyntaxError(`${key} field in the patch is not in the retainKeys list`);
    }
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => list.includes(key)));
}

/** `$setElementOrder/x` without `x`, and `$deleteFromPrimitiveList/x`, which comes before the merge of `x`. */
function applyParallelDirective(
  result: Record<string, unknown>,
  directive: string,
  patch: JsonObject,
  schema: Schema | undefined,
): void {
  const list = patch[directive];
  if (!Array.isArray(list)) throw new PatchSyntaxError(`the value of ${directive} must be a list`);
  const key = directive.slice(directive.indexOf('/') + 1);
  const current = ownValue(result, key);
  if (directive.startsWith(deletePrefix)) {
    const gone = new Set(list.map(identityOf));
    if (Array.isArray(current)) result[key] = current.filter((item) => !gone.has(identityOf(item)));
    return;
  }
  if (Object.hasOwn(patch, key) || !Array.isArray(current)) return;
  const mergeKey = fieldOf(schema, key)?.patchMergeKey;
  result[key] = ordered(current, current, list, mergeKey);
}

interface ListMerge {
  readonly items: Schema | undefined;
  readonly mergeKey: string | undefined;
  readonly order: readonly unknown[] | undefined;
}

function mergeList(original: readonly unknown[], patch: readonly unknown[], how: ListMerge): unknown[] {
  const { mergeKey } = how;
  if (original.every((item) => !isObject(item)) && patch.every((item) => !isObject(item))) {
    const present = new Set(original);
    const merged = [...original, ...new Set(patch.filter((item) => !present.has(item)))];
    return how.order ? ordered(merged, original, how.order, undefined) : merged;
  }
  if (mergeKey === undefined) {
    throw new PatchSyntaxError('cannot merge lists without merge key for type of the list');
  }
  const special = specialItems(patch, mergeKey);
  if (special.replace) return special.others.map((item) => withoutDirectives(item));
  const deleted = new Set(special.deleted.map(identityOf));
  const kept = original.filter((item) => !deleted.has(identityOf(keyOf(item, mergeKey))));
  const merged: unknown[] = [...kept];
  const places = placesOf(merged, mergeKey);
  for (const item of special.others) {
    if (!isObject(item)) throw new PatchSyntaxError('list element is not a map');
    if (!Object.hasOwn(item, mergeKey)) {
      throw new PatchSyntaxError(`map: ${goMap(item)} does not contain declared merge key: ${mergeKey}`);
    }
    const identity = identityOf(item[mergeKey]);
    const at = places.get(identity);
    const other = at === undefined ? undefined : merged[at];
    if (at !== undefined && isObject(other)) merged[at] = mergeObject(other, item, how.items);
    else {
      if (at === undefined) places.set(identity, merged.length);
      merged.push(withoutDirectives(item));
    }
  }
  return how.order ? ordered(merged, kept, how.order, mergeKey) : merged;
}

/** Items that carry a directive: deletions by merge key, or `$patch: replace` for the whole list. */
function specialItems(
  patch: readonly unknown[],
  mergeKey: string,
): { deleted: unknown[]; replace: boolean; others: unknown[] } {
  const deleted: unknown[] = [];
  const others: unknown[] = [];
  let replace = false;
  for (const item of patch) {
    const directive = isObject(item) ? item[patchDirective] : undefined;
    if (!isObject(item) || directive === undefined) others.push(item);
    else if (directive === 'delete') {
      if (!Object.hasOwn(item, mergeKey)) {
        throw new PatchSyntaxError(`delete patch type with no merge key defined`);
      }
      deleted.push(item[mergeKey]);
    } else if (directive === 'replace') {
      replace = true;
      // An item with nothing but the directive only says that the list is replaced.
      const { [patchDirective]: _, ...rest } = item;
      if (Object.keys(rest).length > 0) others.push(rest);
    } else if (directive === 'merge') {
      throw new PatchSyntaxError('merging lists cannot yet be specified in the patch');
    } else {
      throw new PatchSyntaxError(`Unknown patch type found: ${String(directive)} in list`);
    }
  }
  return { deleted, replace, others };
}

function keyOf(item: unknown, mergeKey: string | undefined): unknown {
  if (mergeKey === undefined) return item;
  return isObject(item) ? ownValue(item, mergeKey) : undefined;
}

/** Equal for values that are equal as JSON. */
function identityOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(identityOf).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'undefined';
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${identityOf(value[key])}`)
    .join()}}`;
}

/** Where each item stands first, by the identity of its key. */
function placesOf(items: readonly unknown[], mergeKey: string | undefined): Map<string, number> {
  const places = new Map<string, number>();
  for (const [i, item] of items.entries()) {
    const identity = identityOf(keyOf(item, mergeKey));
    if (!places.has(identity)) places.set(identity, i);
  }
  return places;
}

/**
 * Puts a merged list in the order wanted: named items in the order of `order`, the server's other items where they
 * stood relative to the named ones they follow.
 */
function ordered(
  merged: readonly unknown[],
  live: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const wanted = placesOf(order, mergeKey);
  const standing = placesOf(live, mergeKey);
  const rank = (item: unknown) => wanted.get(identityOf(keyOf(item, mergeKey))) ?? -1;
  const named = merged.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const others = merged.filter((item) => rank(item) < 0);
  const liveIndex = (item: unknown) => standing.get(identityOf(keyOf(item, mergeKey))) ?? -1;
  const result: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const at = liveIndex(item);
    while (next < others.length) {
      const otherAt = liveIndex(others[next]);
      if (otherAt < 0 || at < 0 || otherAt > at) break;
      result.push(others[next++]);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}

/** What a patch puts where nothing was: its content, without nulls and directives. */
function withoutDirectives(value: JsonObject): JsonObject;
function withoutDirectives(value: unknown): unknown;
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter(
        (item) => !(isObject(item) && typeof item[patchDirective] === 'string' && item[patchDirective] !== 'merge'),
      )
      .map((item) => withoutDirectives(item));
  }
  if (!isObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const key in value) {
    if (
      key === patchDirective ||
      key === retainKeysDirective ||
      key.startsWith(orderPrefix) ||
      key.startsWith(deletePrefix)
    ) {
      continue;
    }
    if (value[key] !== null) setKey(result, key, withoutDirectives(value[key]));
  }
  return result;
}

/** As Go prints a map: `map[a:1 b:2]`. */
function goMap(value: JsonObject): string {
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${key}:${isObject(value[key]) ? goMap(value[key]) : String(value[key])}`);
  return `map[${entries.join(' ')}]`;
}
