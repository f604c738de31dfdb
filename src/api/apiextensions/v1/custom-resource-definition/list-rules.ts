// The rules of x-kubernetes-map-type, x-kubernetes-list-type and x-kubernetes-list-map-keys.
import { ownValue } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { itemsOf, type JSONSchemaProps } from '../../schema/props.ts';
import { goSchemaOrArray } from './internal.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

export const knownTypes = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

export function mapTypeErrors(schema: JSONSchemaProps, path: string): FieldError[] {
  const kind = schema['x-kubernetes-map-type'];
  if (kind === undefined) return [];
  const errors = typeFor(schema, 'object', { path, extension: 'x-kubernetes-map-type' });
  if (kind !== 'atomic' && kind !== 'granular') {
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, kind, ['atomic', 'granular']));
  }
  return errors;
}

function typeFor(
  { type = '' }: JSONSchemaProps,
  wanted: string,
  { path, extension }: { readonly path: string; readonly extension: string },
): FieldError[] {
  if (type === wanted) return [];
  const detail = `must be ${wanted} if ${extension} is specified`;
  return [type === '' ? required(`${path}.type`, detail) : invalid(`${path}.type`, type, detail)];
}

/** `anyItemsOfSets`: an old definition had sets of what is no single value. */
export function listTypeErrors(
  schema: JSONSchemaProps,
  path: string,
  { anyItemsOfSets }: { readonly anyItemsOfSets: boolean },
): FieldError[] {
  const kind = schema['x-kubernetes-list-type'];
  if (kind === undefined) return [];
  const errors = typeFor(schema, 'array', { path, extension: 'x-kubernetes-list-type' });
  if (errors.length === 0 && !anyItemsOfSets) errors.push(...itemsOfSetErrors(schema, path));
  if (kind !== 'atomic' && kind !== 'set' && kind !== 'map') {
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, kind, ['atomic', 'set', 'map']));
  }
  return errors;
}

/** Items of sets are compared as a whole. */
export function itemsOfSetErrors(schema: JSONSchemaProps, path: string): FieldError[] {
  const items = itemsOf(schema);
  if (schema['x-kubernetes-list-type'] !== 'set' || !items) return [];
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const [inList, inMap] = [items['x-kubernetes-list-type'], items['x-kubernetes-map-type']];
  if (items.type === 'array' && inList !== undefined && inList !== 'atomic') {
    return [invalid(`${path}.items.x-kubernetes-list-type`, inList, detail)];
  }
  // Upstream shows the type of a list here, too.
  if (items.type === 'object' && inMap !== 'atomic') {
    return [invalid(`${path}.items.x-kubernetes-map-type`, inList ?? null, detail)];
  }
  return [];
}

export function listMapKeysErrors(schema: JSONSchemaProps, path: string): FieldError[] {
  const kind = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const errors: FieldError[] = [];
  if (keys.length > 0 && kind !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    const at = `${path}.x-kubernetes-list-type`;
    errors.push(kind === undefined ? required(at, detail) : invalid(at, kind, detail));
  }
  if (kind !== 'map') return errors;
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) errors.push(required(at, 'must not be empty if x-kubernetes-list-type is map'));
  if (schema.items === undefined) {
    errors.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
  }
  if (Array.isArray(schema.items)) {
    const detail = 'must only have a single schema if x-kubernetes-list-type is map';
    return [...errors, invalid(`${path}.items`, goSchemaOrArray(schema.items), detail)];
  }
  const items = itemsOf(schema);
  if (!items) return errors;
  if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, invalid(`${path}.items.type`, items.type ?? '', detail)];
  }
  for (const [i, key] of keys.entries()) {
    const property = ownValue(items.properties, key);
    if (!property) errors.push(invalid(at, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(invalid(`${path}.items.properties[${key}].type`, items.type, detail));
    }
    if (keys.indexOf(key) < i) errors.push(invalid(at, keys, 'must not contain duplicate entries'));
  }
  return errors;
}

/** Items of sets and maps are there, and so are the keys of maps. */
export function keyedListErrors(schema: JSONSchemaProps, path: string): FieldError[] {
  const kind = schema['x-kubernetes-list-type'];
  const items = itemsOf(schema);
  if ((kind !== 'set' && kind !== 'map') || !items) return [];
  const errors: FieldError[] = [];
  if (items.nullable) {
    errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${kind}`));
  }
  if (kind === 'set') return errors;
  const what = 'this property is in x-kubernetes-list-map-keys, so it';
  for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
    const property = ownValue(items.properties, key);
    if (!property) continue;
    const at = `${path}.items.properties[${key}]`;
    if (!items.required?.includes(key) && property.default === undefined) {
      errors.push(required(`${at}.default`, `${what} must have a default or be a required property`));
    }
    if (property.nullable) errors.push(forbidden(`${at}.nullable`, `${what} cannot be nullable`));
  }
  return errors;
}
