// Merging what a manager applied into the live object, and taking out what it no longer applies (upstream
// structured-merge-diff, package merge). Nothing given is changed; unchanged parts are shared.

import { isObject, setKey } from '../json/value.ts';
import type { ListSchema, Schema } from '../schema/schema.ts';
import { ownValue } from '../table.ts';
import { emptySet, type FieldSet, isEmptySet, isMember, withMember } from './field-set.ts';
import { elementOf, indexItems, isAtomic, isBare, isNamed, resolved, schemaUnder } from './typed.ts';

/** The live object with the applied values in it; lists keep the applied order where they share items. */
export function mergeTyped(live: unknown, applied: unknown, type: Schema): unknown {
  if (applied === undefined) return live;
  const schema = resolved(type, applied);
  if (isAtomic(schema)) return applied;
  const isList = schema.kind === 'list';
  // Null says nothing of what is in a list or map.
  if (applied === null)
    return !isBare(live) && isList === Array.isArray(live) && typeof live === 'object' ? live : null;
  if (isList) return Array.isArray(applied) ? mergeLists(live, applied, schema) : applied;
  if (!isObject(applied)) return applied;
  const result: Record<string, unknown> = isObject(live) ? { ...live } : {};
  for (const key in applied) {
    const below = schemaUnder(schema, key);
    const was = ownValue(result, key);
    setKey(result, key, below === undefined ? applied[key] : mergeTyped(was, applied[key], below));
  }
  return result;
}

/**
 * Applied items in the applied order; live items that are not applied stay where they were relative to the shared ones.
 */
function mergeLists(live: unknown, applied: readonly unknown[], schema: ListSchema): unknown[] {
  const liveList: readonly unknown[] = Array.isArray(live) ? live : [];
  const name = (item: unknown) => elementOf(item, schema) ?? 'k:{}';
  const [leftNames, rightNames] = [liveList.map(name), applied.map(name)];
  const left = indexItems(liveList, schema);
  const right = indexItems(applied, schema);
  const shared = rightNames.filter((n) => left.has(n));
  const merged = new Set<string>();
  const out: unknown[] = [];
  const take = (n: string) => {
    merged.add(n);
    // Nothing is kept of duplicates.
    const same = left.get(n);
    out.push(mergeTyped(same !== undefined && same.length > 1 ? null : same?.[0], right.get(n)?.[0], schema.items));
  };
  let nextShared = shared.shift();
  let [l, r] = [0, 0];
  while (l < leftNames.length || r < rightNames.length) {
    const [leftName, rightName] = [leftNames[l], rightNames[r]];
    if (leftName !== undefined && rightName !== undefined) {
      if (leftName === rightName) {
        take(leftName);
        l++;
        r++;
        nextShared = shared.shift();
        continue;
      }
      // A shared item, but not the one whose turn it is.
      if (right.has(leftName) && nextShared !== undefined && nextShared !== leftName) {
        l++;
        continue;
      }
    }
    if (leftName !== undefined) {
      if (!right.has(leftName)) {
        out.push(liveList[l]);
        l++;
        continue;
      }
      if (merged.has(leftName)) l++;
    }
    if (rightName !== undefined) {
      take(rightName);
      r++;
      if (nextShared === rightName) nextShared = shared.shift();
    }
  }
  return out;
}

/** The object without the paths of the set, and without the maps and lists that become empty by it (they become null). */
export function removePaths(value: unknown, gone: FieldSet, type: Schema): unknown {
  if (isEmptySet(gone)) return value;
  const schema = resolved(type, value);
  if (schema.kind === 'list' && Array.isArray(value)) return listWithout(value, gone, schema);
  if (!isObject(value)) return isAtomic(schema) && !isBare(value) ? value : null;
  // What is below an atomic value cannot be taken out of it.
  if (isAtomic(schema)) return schema.kind === 'object' || schema.kind === 'map' ? null : value;
  const result: Record<string, unknown> = {};
  let any = false;
  for (const key in value) {
    const below = gone[`f:${key}`];
    if (below !== undefined && isMember(below)) continue;
    const type = schemaUnder(schema, key);
    setKey(result, key, below === undefined || type === undefined ? value[key] : removePaths(value[key], below, type));
    any = true;
  }
  return any ? result : null;
}

function listWithout(list: readonly unknown[], gone: FieldSet, schema: ListSchema): readonly unknown[] | null {
  if (schema.type === 'atomic') return null;
  const kept: unknown[] = [];
  for (const item of list) {
    const below = gone[elementOf(item, schema) ?? 'k:{}'];
    if (below === undefined) kept.push(item);
    else if (!isMember(below)) kept.push(removePaths(item, below, schema.items));
  }
  return kept.length > 0 ? kept : null;
}

/** Makes fields of structs that the set only passes through members of it, so that taking them away takes the struct. */
export function withNamedFields(set: FieldSet, schema: Schema | undefined): FieldSet {
  const result: Record<string, FieldSet> = {};
  for (const key in set) {
    if (key === '.') {
      result[key] = emptySet;
      continue;
    }
    const below = schema === undefined ? undefined : schemaBelow(schema, key);
    const node = withNamedFields(set[key]!, below);
    const named = key.startsWith('f:') && schema !== undefined && isNamed(schema, key.slice(2));
    result[key] = named ? withMember(node) : node;
  }
  return result;
}

/** The type of what an element of a set leads to, as far as a set alone can tell. */
export function schemaBelow(schema: Schema, element: string): Schema | undefined {
  if (schema.kind === 'list') return schema.items;
  if (schema.kind === 'deduced') return schema;
  return element.startsWith('f:') ? schemaUnder(schema, element.slice(2)) : undefined;
}
