// Lists that are sets or maps hold no item twice.

import { printedJson, sortedKeys } from '../../../apimachinery/json/go-text.ts';
import { isObject } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { additionalSchema, childPath, itemsOf, type JSONSchemaProps } from './props.ts';

export function validateListTypes(value: unknown, schema: JSONSchemaProps | undefined, path = ''): FieldError[] {
  if (!schema) return [];
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    const below = items ? value.flatMap((item, i) => validateListTypes(item, items, `${path}[${i}]`)) : [];
    return [...validateList(value, schema, path), ...below];
  }
  if (!isObject(value)) return [];
  const additional = additionalSchema(schema);
  return Object.entries(value).flatMap(([key, below]) => {
    const { properties } = schema;
    if (properties && Object.hasOwn(properties, key))
      return validateListTypes(below, properties[key], childPath(path, key));
    return additional ? validateListTypes(below, additional, `${path}[${key}]`) : [];
  });
}

function validateList(list: readonly unknown[], schema: JSONSchemaProps, path: string): FieldError[] {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return repeated(list).map((i) => fieldError.duplicate(`${path}[${i}]`, sortedKeys(list[i])));
    case 'map': {
      const wrong = list.findIndex((item) => item !== null && !isObject(item));
      if (wrong >= 0) {
        const why = 'must be an object for an array of list-type map';
        return [fieldError.invalid(`${path}[${wrong}]`, list[wrong], why)];
      }
      const keys = list.map((item) => keyOf(item, schema['x-kubernetes-list-map-keys'] ?? []));
      return repeated(keys).map((i) => fieldError.duplicate(`${path}[${i}]`, keys[i]));
    }
    default:
      return [];
  }
}

function keyOf(item: unknown, names: readonly string[]): Record<string, unknown> {
  if (!isObject(item)) return {};
  return Object.fromEntries(
    names.filter((name) => ownValue(item, name) !== undefined).map((name) => [name, item[name]]),
  );
}

/** Where a value stands for the second time; later repetitions are not told. */
function repeated(values: readonly unknown[]): number[] {
  if (values.length <= 1) return [];
  const seen = new Map<unknown, number>();
  const indexes: number[] = [];
  for (const [i, value] of values.entries()) {
    const text = typeof value === 'object' ? printedJson(value) : `${typeof value} ${value}`;
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    if (times === 2) indexes.push(i);
  }
  return indexes;
}
