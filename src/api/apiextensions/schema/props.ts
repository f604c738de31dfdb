// Reading a schema. Fields that may be a schema or something else are typed `unknown` in the generated types.
import { isObject } from '../../../apimachinery/json/value.ts';
import type { JSONSchemaProps } from '../v1/types.generated.ts';

export type { JSONSchemaProps };

/** The schema of a list's items; undefined where there is none, or several (which is not structural). */
export function itemsOf({ items }: JSONSchemaProps): JSONSchemaProps | undefined {
  return isObject(items) ? (items as JSONSchemaProps) : undefined;
}

/** The schema of properties that are not named; `true` and `false` as they stand. */
export function additionalOf({ additionalProperties }: JSONSchemaProps): JSONSchemaProps | boolean | undefined {
  if (typeof additionalProperties === 'boolean') return additionalProperties;
  return isObject(additionalProperties) ? (additionalProperties as JSONSchemaProps) : undefined;
}

export function additionalSchema(schema: JSONSchemaProps): JSONSchemaProps | undefined {
  const additional = additionalOf(schema);
  return typeof additional === 'object' ? additional : undefined;
}

export function preservesUnknown(schema: JSONSchemaProps): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

export function isEmbedded(schema: JSONSchemaProps): boolean {
  return schema['x-kubernetes-embedded-resource'] === true;
}

export function isIntOrString(schema: JSONSchemaProps): boolean {
  return schema['x-kubernetes-int-or-string'] === true;
}

/** The schema of a property, by name or of the additional ones. */
export function propertyOf(schema: JSONSchemaProps, name: string): JSONSchemaProps | undefined {
  const { properties } = schema;
  if (properties && Object.hasOwn(properties, name)) return properties[name];
  return additionalSchema(schema);
}

/** `a`, `a.b`, `a[0]`, `a[key]`: field paths as upstream prints them. */
export function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Calls `visit` for a schema and all schemas inside it, the logical ones too. */
export function walkSchema(schema: JSONSchemaProps, visit: (schema: JSONSchemaProps) => void): void {
  visit(schema);
  for (const below of innerSchemas(schema)) walkSchema(below, visit);
}

function innerSchemas(schema: JSONSchemaProps): JSONSchemaProps[] {
  const { properties = {}, allOf = [], anyOf = [], oneOf = [], not, items } = schema;
  const additional = additionalSchema(schema);
  const lists: unknown[] = Array.isArray(items) ? items : items === undefined ? [] : [items];
  return [
    ...Object.values(properties),
    ...allOf,
    ...anyOf,
    ...oneOf,
    ...(not ? [not] : []),
    ...(additional ? [additional] : []),
    ...(lists.filter(isObject) as JSONSchemaProps[]),
  ];
}
