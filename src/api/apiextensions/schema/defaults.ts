// Defaulting: absent fields get the default of their schema, from the outside in; nulls that the schema does not allow
// count as absent.

import { isObject, jsonCopy, setKey } from '../../../apimachinery/json/value.ts';
import { additionalSchema, itemsOf, type JSONSchemaProps, propertyOf, walkSchema } from './props.ts';

/** Whether there is anything to fill in. */
export function hasDefaults(schema: JSONSchemaProps): boolean {
  let found = false;
  walkSchema(schema, (one) => {
    if (one.default !== undefined) found = true;
  });
  return found;
}

/** Changes the value in place. Nulls that may not be, and for which there is no default, are gone before. */
export function applyDefaults(value: unknown, schema: JSONSchemaProps | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (let i = 0; i < value.length; i++) {
      if (items && isForbiddenNull(value[i], items)) value[i] = defaultOf(items);
      applyDefaults(value[i], items);
    }
    return;
  }
  if (!isObject(value)) return;
  const object = value as Record<string, unknown>;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (defaultOf(property) === null) continue;
    if (!Object.hasOwn(object, name) || isForbiddenNull(object[name], property)) {
      setKey(object, name, defaultOf(property));
    }
  }
  const additional = additionalSchema(schema);
  for (const key of Object.keys(object)) {
    const below = propertyOf(schema, key);
    if (below && below === additional && isForbiddenNull(object[key], below)) setKey(object, key, defaultOf(below));
    applyDefaults(object[key], below);
  }
}

/** A copy; null, too, where there is none. */
function defaultOf(schema: JSONSchemaProps): unknown {
  return jsonCopy(schema.default ?? null);
}

/** Takes out nulls of fields that are not nullable and have no default. Changes the value in place. */
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
    const below = propertyOf(schema, key);
    if (below && isForbiddenNull(object[key], below) && defaultOf(below) === null) delete object[key];
    else dropForbiddenNulls(object[key], below);
  }
}

function isForbiddenNull(value: unknown, schema: JSONSchemaProps): boolean {
  return value === null && schema.nullable !== true;
}
