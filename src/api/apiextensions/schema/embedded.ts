// Resources inside of a custom resource (x-kubernetes-embedded-resource) have a kind, an apiVersion and right metadata.
import { isObject, setKey } from '../../../apimachinery/json/value.ts';
import type { ObjectMeta } from '../../../apimachinery/meta/v1.generated.ts';
import { DecodeError, decodeObject } from '../../../apimachinery/schema/decode.ts';
import type { ObjectSchema } from '../../../apimachinery/schema/schema.ts';
import { type FieldError, fieldError, fieldErrorMessage } from '../../../apimachinery/validation/field-error.ts';
import { dns1035Label, pathSegment } from '../../../apimachinery/validation/names.ts';
import { validateObjectMeta } from '../../../apimachinery/validation/object-meta.ts';
import { additionalSchema, childPath, isEmbedded, itemsOf, type JSONSchemaProps } from './props.ts';

interface Found {
  readonly resource: Record<string, unknown>;
  /** Of errors: `spec.map[key]`. */
  readonly path: string;
  /** Of unknown fields: `spec.map.key`. */
  readonly plainPath: string;
}

/** All resources inside of a value. */
function embeddedIn(value: unknown, schema: JSONSchemaProps | undefined, at = { path: '', plainPath: '' }): Found[] {
  if (!schema) return [];
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items) return [];
    return value.flatMap((item, i) =>
      embeddedIn(item, items, { path: `${at.path}[${i}]`, plainPath: `${at.plainPath}[${i}]` }),
    );
  }
  if (!isObject(value)) return [];
  const own = at.path !== '' && isEmbedded(schema) ? [{ resource: value as Record<string, unknown>, ...at }] : [];
  const { properties } = schema;
  const additional = additionalSchema(schema);
  if (!properties && !additional) return own;
  const below = Object.entries(value).flatMap(([key, inner]) => {
    const plainPath = childPath(at.plainPath, key);
    return properties && Object.hasOwn(properties, key)
      ? embeddedIn(inner, properties[key], { path: childPath(at.path, key), plainPath })
      : embeddedIn(inner, additional, { path: `${at.path}[${key}]`, plainPath });
  });
  return [...own, ...below];
}

/**
 * Brings the metadata of embedded resources into their type, in place. Returns the paths of fields that it does not have, in
 * order. Throws DecodeError for what has another type.
 */
export function coerceEmbedded(value: unknown, schema: JSONSchemaProps, metadata: ObjectSchema): string[] {
  const unknown: string[] = [];
  for (const { resource, path, plainPath } of embeddedIn(value, schema)) {
    for (const name of ['apiVersion', 'kind'] as const) {
      if (!Object.hasOwn(resource, name) || typeof resource[name] === 'string') continue;
      throw refused(childPath(path, name), resource[name], 'must be a string');
    }
    if (!Object.hasOwn(resource, 'metadata')) continue;
    try {
      const { object, unknownFields } = decodeObject(resource.metadata ?? {}, metadata);
      unknown.push(...unknownFields.map((field) => `${plainPath}.metadata.${field}`));
      setKey(resource, 'metadata', object);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw refused(childPath(path, 'metadata'), resource.metadata, error.message);
    }
  }
  return unknown.sort();
}

function refused(path: string, value: unknown, why: string): DecodeError {
  return new DecodeError(fieldErrorMessage(fieldError.invalid(path, value, why)));
}

/** `path`: where the value stands; the root of an object is none of them. */
export function validateEmbedded(value: unknown, schema: JSONSchemaProps | undefined, path = ''): FieldError[] {
  return embeddedIn(value, schema, { path, plainPath: path }).flatMap(validateResource);
}

function validateResource({ resource: { apiVersion, kind, metadata }, path }: Found): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (name: string, value: unknown, why: string) =>
    errors.push(fieldError.invalid(childPath(path, name), value, why));
  if (apiVersion === undefined) errors.push(fieldError.required(childPath(path, 'apiVersion')));
  if (kind === undefined) errors.push(fieldError.required(childPath(path, 'kind')));
  if (typeof apiVersion === 'string') {
    if (apiVersion === '') refuse('apiVersion', apiVersion, 'must not be empty');
    else if (apiVersion.split('/').length > 2) {
      refuse('apiVersion', apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
    }
  } else if (apiVersion !== undefined) refuse('apiVersion', apiVersion, 'must be a string');
  if (typeof kind === 'string') {
    const wrong = dns1035Label(kind.toLowerCase());
    if (kind === '') refuse('kind', kind, 'must not be empty');
    else if (wrong.length > 0) {
      refuse('kind', kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`);
    }
  } else if (kind !== undefined) refuse('kind', kind, 'must be a string');
  if (isObject(metadata)) {
    // A name may be absent, and a namespace may be there or not.
    const meta = metadata as ObjectMeta;
    const named = meta.name ? meta : { ...meta, name: 'fakename' };
    const rules = { namespaced: Boolean(meta.namespace), name: pathSegment, plainFinalizers: true };
    errors.push(...validateObjectMeta(named, rules, childPath(path, 'metadata')));
  }
  return errors;
}
