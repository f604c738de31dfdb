// Defaulting: absent fields get the default of their schema, from the outside in; nulls that the schema does not allow
// count as absent.

import { isObject, jsonCopy, setKey } from '../../../apimachinery/json/value.ts';
import { ownValue } from '../../../apimachinery/table.ts';
import { additionalSchema, itemsOf, type JSONSchemaProps, propertyOf, walkSchema } from './props.ts';

/** Whether there is anything to fill in. */
export function hasDefaults(schema: JSONSchemaProps): boolean {
  let found = false;
  walkSchema(schema, (one) => {
    if (one.default !== undefined) found = true;
  });
  return found;
}

/** Changes the value in place. */
export function applyDefaults(value: unknown, schema: JSONSchemaProps | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (let i = 0; i < value.length; i++) {
      if (items && isForbiddenNull(value[i], items) && items.default !== undefined) value[i] = jsonCopy(items.default);
      applyDefaults(value[i], items);
    }
    return;
  }
  if (!isObject(value)) return;
  const object = value as Record<string, unknown>;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    if (!Object.hasOwn(object, name) || isForbiddenNull(object[name], property)) {
      setKey(object, name, jsonCopy(property.default));
    }
  }
  const additional = additionalSchema(schema);
  for (const key of Object.keys(object)) {
    const below = propertyOf(schema, key);
    if (below === additional && below && isForbiddenNull(object[key], below) && below.default !== undefined) {
      setKey(object, key, jsonCopy(below.default));
    }
    applyDefaults(object[key], below);
  }
}

/** Takes out nulls of properties that are not nullable. Changes the value in place. */
export function dropForbiddenNulls(value: unknown, schema: JSONSchemaProps | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (const item of value) dropForbiddenNulls(item, items);
    return;
  }
  if (!isObject(value)) return;
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object)) {
    const named = ownValue(schema.properties, key);
    if (named && isForbiddenNull(object[key], named)) delete object[key];
    else dropForbiddenNulls(object[key], named ?? additionalSchema(schema));
  }
}

function isForbiddenNull(value: unknown, schema: JSONSchemaProps): boolean {
  return value === null && schema.nullable !== true;
}
