// The schema of a custom resource as clients read it in OpenAPI: with what every resource has, and for version 2 without
// what it cannot say.
import { jsonEqual } from '../../../apimachinery/json/value.ts';
import type { GroupVersionKind } from '../../../apimachinery/object.ts';
import { additionalOf, isEmbedded, isIntOrString, itemsOf, type JSONSchemaProps, preservesUnknown } from './props.ts';

export interface PublishOptions {
  /** 2 is Swagger, 3 is OpenAPI 3.0. */
  readonly version: 2 | 3;
  /** A reference to the type ObjectMeta. */
  readonly metadata: object;
}

/** What is said of a kind beside its schema. */
export interface PublishedKind extends GroupVersionKind {
  /** Paths as in `spec.color`. */
  readonly selectableFields?: readonly string[];
}

type Published = Record<string, unknown>;

const meanings = {
  apiVersion:
    'APIVersion defines the schema that this object is written in: GROUP/VERSION. Servers convert what they know and refuse the rest.',
  kind: 'What this object is, in CamelCase. It cannot change.',
  metadata: "Standard object's metadata: name, namespace, labels, annotations and who manages what.",
} as const;

export function publishedSchema(
  schema: JSONSchemaProps,
  { selectableFields, ...groupVersionKind }: PublishedKind,
  options: PublishOptions,
): Published {
  const own = { 'x-kubernetes-group-version-kind': [groupVersionKind], ...selectable(selectableFields) };
  // Any field named here would make kubectl refuse all others.
  if (options.version === 2 && preservesUnknown(schema)) return { type: 'object', ...own };
  const published = publish(schema, options);
  const properties = { ...(published.properties as Published | undefined), ...resourceFields(options) };
  return { ...published, type: 'object', properties, ...own };
}

function selectable(fields: readonly string[] = []): Published {
  if (fields.length === 0) return {};
  return { 'x-kubernetes-selectable-fields': fields.map((fieldPath) => ({ fieldPath })) };
}

/** The list of a kind whose schema is referred to by `item`. `kind` is the list's own. */
export function publishedList(
  { selectableFields, ...groupVersionKind }: PublishedKind,
  references: PublishOptions & { readonly item: object },
): Published {
  const { apiVersion, kind, metadata } = resourceFields(references);
  return {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion,
      items: { type: 'array', items: references.item },
      kind,
      metadata,
    },
    'x-kubernetes-group-version-kind': [groupVersionKind],
    ...selectable(selectableFields),
  };
}

function resourceFields({ version, metadata }: PublishOptions): Published {
  const meta =
    version === 2
      ? { ...metadata, description: meanings.metadata }
      : { allOf: [metadata], description: meanings.metadata };
  return {
    apiVersion: { type: 'string', description: meanings.apiVersion },
    kind: { type: 'string', description: meanings.kind },
    metadata: meta,
  };
}

/** What version 2 does not know, or what its readers stumble over. */
const onlyVersion3 = ['nullable', 'anyOf', 'oneOf', 'allOf', 'not'];

/** Without their null, fields that may be null may be absent. */
function requireNothingNullable({ required, properties }: JSONSchemaProps, published: Published): void {
  if (!required) return;
  const left = required.filter(
    (name) => !(properties && Object.hasOwn(properties, name) && properties[name]?.nullable),
  );
  if (left.length > 0) published.required = left;
  else delete published.required;
}

const intOrString = [{ type: 'integer' }, { type: 'string' }];

/** In a way that everybody understands, unless the schema says it so itself. */
function sayIntOrString(schema: JSONSchemaProps, published: Published): void {
  if (!isIntOrString(schema)) return;
  const { anyOf, allOf = [] } = schema;
  if (jsonEqual(anyOf ?? [], intOrString) || jsonEqual(allOf[0]?.anyOf ?? [], intOrString)) return;
  if (!anyOf) published.anyOf = intOrString;
  else published.allOf = [{ anyOf: intOrString }, ...allOf];
}

function publish(schema: JSONSchemaProps, options: PublishOptions): Published {
  const { properties, items: _items, additionalProperties: _additional, ...rest } = schema;
  const published: Published = { ...rest };
  // Readers of version 2 stumble over fields of what may be anything.
  const isBare = options.version === 2 && (preservesUnknown(schema) || schema.nullable === true);
  if (options.version === 2) {
    for (const name of onlyVersion3) delete published[name];
    // Readers of version 2 take every type, field and format to the letter.
    if (isIntOrString(schema) || schema.nullable) delete published.type;
    if (isIntOrString(schema)) delete published.format;
    // An array without a type of items is none to kubectl.
    if (schema.type === 'array' && (isBare || !itemsOf(schema))) delete published.type;
    if (preservesUnknown(schema) && schema.type === 'object') delete published.type;
    requireNothingNullable(isBare ? { ...schema, properties: {} } : schema, published);
  } else sayIntOrString(schema, published);
  const below = (one: JSONSchemaProps) => publish(one, options);
  const items = isBare ? undefined : itemsOf(schema);
  if (items) published.items = below(items);
  const additional = additionalOf(schema);
  if (additional !== undefined)
    published.additionalProperties = typeof additional === 'object' ? below(additional) : additional;
  const isResource = isEmbedded(schema) && !(options.version === 2 && preservesUnknown(schema));
  if (isResource) {
    const missing = ['kind', 'apiVersion'].filter((name) => !schema.required?.includes(name));
    published.required = [...((published.required as string[] | undefined) ?? []), ...missing];
  }
  if ((properties && !isBare) || isResource) {
    const named = isBare ? {} : (properties ?? {});
    const own = Object.fromEntries(Object.entries(named).map(([name, property]) => [name, below(property)]));
    published.properties = isResource ? { ...own, ...resourceFields(options) } : own;
  }
  return published;
}
