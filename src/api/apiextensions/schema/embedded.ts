// Resources inside of a custom resource (x-kubernetes-embedded-resource) have a kind, an apiVersion and right metadata.
import { isObject } from '../../../apimachinery/json/value.ts';
import type { ObjectMeta } from '../../../apimachinery/meta/v1.generated.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { pathSegment } from '../../../apimachinery/validation/names.ts';
import { validateObjectMeta } from '../../../apimachinery/validation/object-meta.ts';
import { additionalSchema, childPath, isEmbedded, itemsOf, type JSONSchemaProps } from './props.ts';

export function validateEmbedded(value: unknown, schema: JSONSchemaProps | undefined, path = ''): FieldError[] {
  if (!schema) return [];
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items ? value.flatMap((item, i) => validateEmbedded(item, items, `${path}[${i}]`)) : [];
  }
  if (!isObject(value)) return [];
  const own = path !== '' && isEmbedded(schema) ? validateResource(value, path) : [];
  const { properties } = schema;
  const additional = additionalSchema(schema);
  const below = Object.entries(value).flatMap(([key, inner]) => {
    const isNamed = properties !== undefined && Object.hasOwn(properties, key);
    return isNamed
      ? validateEmbedded(inner, properties[key], childPath(path, key))
      : validateEmbedded(inner, additional, `${path}[${key}]`);
  });
  return [...own, ...below];
}

function validateResource(value: { readonly [key: string]: unknown }, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['apiVersion', 'kind'] as const) {
    if (value[name] === undefined || value[name] === '') {
      errors.push(fieldError.required(childPath(path, name), 'must not be empty'));
    }
  }
  if (isObject(value.metadata)) {
    // A name may be absent, and the namespace is what it is.
    const { namespace: _, ...metadata } = value.metadata as ObjectMeta;
    const named = metadata.name ? metadata : { ...metadata, name: 'absent' };
    errors.push(...validateObjectMeta(named, { namespaced: false, name: pathSegment }, childPath(path, 'metadata')));
  }
  return errors;
}
