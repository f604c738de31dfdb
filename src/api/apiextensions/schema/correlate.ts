// Which value before an update belongs to a value after it (k8s.io/apiserver/pkg/cel/common, CorrelatedObject): what an
// update leaves as it was is not held against rules that came later.
import { isObject, jsonEqual } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';
import { itemsOf, type JSONSchemaProps, propertyOf } from './props.ts';

/**
 * Whether a value is what it was. Items of map lists may have changed places; an object with a field that its schema does
 * not have (metadata of a resource among them) never counts as unchanged.
 */
export function isUnchanged(value: unknown, old: unknown, schema: JSONSchemaProps): boolean {
  if (value === null || old === null) return value === old;
  if (Array.isArray(value)) return Array.isArray(old) && isUnchangedList(value, old, schema);
  if (!isObject(value)) return value === old;
  if (!isObject(old)) return false;
  const keys = Object.keys(value);
  return (
    keys.length === Object.keys(old).length &&
    keys.every((key) => {
      const below = propertyOf(schema, key);
      const before = ownValue(old, key);
      return below !== undefined && before !== undefined && isUnchanged(value[key], before, below);
    })
  );
}

function isUnchangedList(list: readonly unknown[], old: readonly unknown[], schema: JSONSchemaProps): boolean {
  if (list.length !== old.length) return false;
  const before = formerItems(old, schema);
  if (!before) return jsonEqual(list, old);
  const items = itemsOf(schema);
  return list.every((item) => {
    const former = before(item);
    return items !== undefined && former !== undefined && former !== null && isUnchanged(item, former, items);
  });
}

/** Finds an item's former state: only items of map lists have one, found by their keys. */
export function formerItems(
  old: unknown,
  { 'x-kubernetes-list-type': type, 'x-kubernetes-list-map-keys': names = [] }: JSONSchemaProps,
): ((item: unknown) => unknown) | undefined {
  if (!Array.isArray(old) || type !== 'map') return undefined;
  const keyOf = (item: unknown) => (isObject(item) ? JSON.stringify(names.map((name) => item[name] ?? null)) : '');
  // Of items with one key the first counts.
  const items = new Map(old.toReversed().map((item: unknown) => [keyOf(item), item]));
  return (item) => (isObject(item) ? items.get(keyOf(item)) : undefined);
}
