// From the structural schema of a custom resource to the type that expressions see (apiserver/schema/cel).
import { table } from '../apimachinery/table.ts';
import { bool, type CelType, double, dyn, int, listOf, mapOf, type ObjectField, string } from './types.ts';

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

/** The largest request that there is, in bytes. */
const largestRequest = 3 * 1024 * 1024;
/** The longest text that a request may hold: what is left without its quotes. */
const longestText = largestRequest - 2;
/** Durations and times in JSON, quotes included. */
const longestTime = 32;
const dateSize = 12;

const smallest = table<number>({ bool: 4, string: 2, bytes: 2, duration: 3, timestamp: 21 });

/** How many bytes a value of a type takes in JSON at the least. */
function smallestSize(type: CelType): number {
  if (type.kind === 'object') return type.minSize ?? 2;
  if (type.kind !== 'primitive') return 2;
  return isDate(type) ? dateSize : (smallest[type.name] ?? 1);
}

function isDate(type: CelType): boolean {
  return type.kind === 'primitive' && type.name === 'timestamp' && type.maxSize === dateSize;
}

/** How many values of a type one request may hold, wherever they stand. */
export function mostPerRequest(type: CelType): number {
  return Math.floor(largestRequest / (smallestSize(type) + 1));
}

/** The type below a type, by names of fields, `@items`, `@keys` and `@values`; undefined where there is none. */
export function pathTypeOf(root: CelType, path: readonly string[]): CelType | undefined {
  let type: CelType | undefined = root;
  for (const name of path) {
    if (type === undefined) return undefined;
    if (name === '@items' || name === '@values') {
      type = type.kind === 'list' ? type.element : type.kind === 'map' ? type.value : undefined;
    } else if (name === '@keys') type = type.kind === 'map' ? type.key : undefined;
    else type = type.kind === 'object' ? type.fields.get(name)?.type : undefined;
  }
  return type;
}

/** Undefined for schemas that say too little: such fields do not exist in expressions. */
export function schemaType(schema: StructuralSchema, options: SchemaTypeOptions = {}): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) {
    return { ...dyn, maxSize: schema.maxLength === undefined ? longestText : schema.maxLength * 4 } as CelType;
  }
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
    maxSize: schema.maxItems ?? Math.floor((largestRequest - 2) / (smallestSize(items) + 1)),
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
    if (!value) return undefined;
    // A key of two characters, its quotes, a colon and a comma.
    const most = Math.floor((largestRequest - 2) / (smallestSize(value) + 6));
    return { ...mapOf(string, value), maxSize: schema.maxProperties ?? most };
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

const anyText = sized('string', longestText);

function addResourceFields(fields: Map<string, ObjectField>, name: string): void {
  fields.set('apiVersion', { type: anyText, jsonName: 'apiVersion' });
  fields.set('kind', { type: anyText, jsonName: 'kind' });
  const metadata = new Map([
    ['name', { type: anyText, jsonName: 'name' }],
    ['generateName', { type: anyText, jsonName: 'generateName' }],
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

function sized(name: 'string' | 'bytes' | 'duration' | 'timestamp', maxSize: number): CelType {
  return { kind: 'primitive', name, maxSize };
}

function stringType({ format, maxLength, enum: values = [] }: StructuralSchema): CelType {
  switch (format) {
    case 'byte':
      return sized('bytes', maxLength ?? longestText);
    case 'duration':
      return sized('duration', longestTime);
    case 'date':
      return sized('timestamp', dateSize);
    case 'date-time':
      return sized('timestamp', longestTime);
  }
  // A character takes up to four bytes.
  if (maxLength !== undefined) return sized('string', maxLength * 4);
  const lengths = values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0));
  return sized('string', values.length > 0 ? Math.max(...lengths) : longestText);
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
