// From the structural schema of a custom resource to the type that expressions see (apiserver/schema/cel).
import { smallestSize } from './cost.ts';
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  type ObjectField,
  string,
  timestamp,
} from './types.ts';

/** What of a JSONSchemaProps (apiextensions.k8s.io/v1) matters to types. */
export interface StructuralSchema {
  readonly type?: string | undefined;
  readonly format?: string | undefined;
  readonly properties?: Readonly<Record<string, StructuralSchema>> | undefined;
  readonly additionalProperties?: unknown;
  readonly items?: unknown;
  readonly required?: readonly string[] | undefined;
  readonly default?: unknown;
  readonly maxLength?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly maxProperties?: number | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly 'x-kubernetes-int-or-string'?: boolean | undefined;
  readonly 'x-kubernetes-embedded-resource'?: boolean | undefined;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean | undefined;
  readonly 'x-kubernetes-list-type'?: string | undefined;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[] | undefined;
}

export interface SchemaTypeOptions {
  /** Of the whole object: `apiVersion`, `kind`, `metadata.name` and `metadata.generateName` are there whatever it says. */
  readonly isResourceRoot?: boolean;
  /** The name of the type in messages; default `object`. */
  readonly name?: string;
}

/** Undefined for schemas that say too little: such fields do not exist in expressions. */
export function schemaType(schema: StructuralSchema, options: SchemaTypeOptions = {}): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return dyn;
  switch (schema.type) {
    case 'array':
      return arrayType(schema, options);
    case 'object':
      return objectOf(schema, options);
    case 'string':
      return stringType(schema);
    case 'boolean':
      return bool;
    case 'number':
      return double;
    case 'integer':
      return int;
    default:
      return undefined;
  }
}

function arrayType(schema: StructuralSchema, { name = 'object' }: SchemaTypeOptions): CelType | undefined {
  const items = isSchema(schema.items) ? schemaType(schema.items, { name: `${name}.@idx` }) : undefined;
  if (!items) return undefined;
  const listType = schema['x-kubernetes-list-type'];
  return {
    ...listOf(items),
    ...((listType === 'set' || listType === 'map') && { listType }),
    ...(listType === 'map' && { mapKeys: schema['x-kubernetes-list-map-keys'] ?? [] }),
    ...(schema.maxItems !== undefined && { maxSize: schema.maxItems }),
  };
}

function isSchema(value: unknown): value is StructuralSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(
  schema: StructuralSchema,
  { isResourceRoot, name = 'object' }: SchemaTypeOptions,
): CelType | undefined {
  const { additionalProperties } = schema;
  if (isSchema(additionalProperties)) {
    const value = schemaType(additionalProperties, { name: `${name}.@elem` });
    const maxSize = schema.maxProperties;
    return value && { ...mapOf(string, value), ...(maxSize !== undefined && { maxSize }) };
  }
  const fields = new Map<string, ObjectField>();
  let minSize = 2;
  if (isResourceRoot || schema['x-kubernetes-embedded-resource']) addResourceFields(fields, name);
  for (const [jsonName, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeField(jsonName);
    const given = schemaType(property, { name: `${name}.${escaped ?? jsonName}` });
    // Quotes, colon and comma; what has a default may be left out.
    const mustStand = schema.required?.includes(jsonName) && property.default === undefined;
    if (given && mustStand) minSize += jsonName.length + smallestSize(given) + 4;
    if (escaped === undefined) continue;
    const type = jsonName === 'metadata' ? withStanding(given, fields.get(jsonName)?.type) : given;
    if (!type) continue;
    fields.set(escaped, { type, jsonName });
    // Keywords that may follow a dot need no escape there.
    if (selectableKeywords.has(jsonName)) fields.set(jsonName, { type, jsonName });
  }
  return { kind: 'object', name, fields, minSize };
}

function addResourceFields(fields: Map<string, ObjectField>, name: string): void {
  fields.set('apiVersion', { type: string, jsonName: 'apiVersion' });
  fields.set('kind', { type: string, jsonName: 'kind' });
  const metadata = new Map([
    ['name', { type: string, jsonName: 'name' }],
    ['generateName', { type: string, jsonName: 'generateName' }],
  ]);
  fields.set('metadata', {
    type: { kind: 'object', name: `${name}.metadata`, fields: metadata },
    jsonName: 'metadata',
  });
}

/** What a schema says of metadata comes on top of the fields that are always there. */
function withStanding(given: CelType | undefined, standing: CelType | undefined): CelType | undefined {
  if (given?.kind !== 'object' || standing?.kind !== 'object') return standing ?? given;
  return { ...given, fields: new Map([...standing.fields, ...given.fields]) };
}

function sized(maxLength: number | undefined): CelType {
  return maxLength === undefined ? string : { kind: 'primitive', name: 'string', maxSize: maxLength };
}

function stringType({ format, maxLength, enum: values }: StructuralSchema): CelType {
  const longest = values && Math.max(...values.map((value) => String(value).length));
  switch (format) {
    case 'byte':
      return bytes;
    case 'duration':
      return duration;
    case 'date':
    case 'date-time':
      return timestamp;
    default:
      return sized(longest ?? maxLength);
  }
}

const selectableKeywords = new Set(
  ('as break const continue else for function if import let loop package namespace ' + 'return var void while').split(
    ' ',
  ),
);
const keywords = new Set([...selectableKeywords, 'true', 'false', 'null', 'in']);

/**
 * A property's name in expressions: `a-b` is `a__dash__b`, keywords are `__if__`. Undefined for names that cannot be
 * written.
 */
export function escapeField(name: string): string | undefined {
  if (keywords.has(name)) return `__${name}__`;
  if (!/^[a-zA-Z_.\-/][a-zA-Z0-9_.\-/]*$/.test(name)) return undefined;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}
