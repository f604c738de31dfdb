// The schema of a custom resource as clients read it in OpenAPI: with what every resource has, and for version 2 without
// what it cannot say.
import type { GroupVersionKind } from '../../../apimachinery/object.ts';
import { additionalOf, isEmbedded, isIntOrString, itemsOf, type JSONSchemaProps, preservesUnknown } from './props.ts';

export interface PublishOptions {
  /** 2 is Swagger, 3 is OpenAPI 3.0. */
  readonly version: 2 | 3;
  /** A reference to the type ObjectMeta. */
  readonly metadata: object;
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
  groupVersionKind: GroupVersionKind,
  options: PublishOptions,
): Published {
  const own = { 'x-kubernetes-group-version-kind': [groupVersionKind] };
  // Any field named here would make kubectl refuse all others.
  if (options.version === 2 && preservesUnknown(schema)) return { type: 'object', ...own };
  const published = publish(schema, options);
  const properties = { ...(published.properties as Published | undefined), ...resourceFields(options) };
  return { ...published, type: 'object', properties, ...own };
}

/** The list of a kind whose schema is referred to by `item`. */
export function publishedList(
  { group, version, kind }: GroupVersionKind,
  references: { readonly item: object; readonly metadata: object },
): Published {
  const { apiVersion, kind: kindField } = resourceFields({ version: 3, metadata: references.metadata });
  return {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion,
      items: { type: 'array', items: references.item },
      kind: kindField,
      metadata: references.metadata,
    },
    'x-kubernetes-group-version-kind': [{ group, kind: `${kind}List`, version }],
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

function publish(schema: JSONSchemaProps, options: PublishOptions): Published {
  const { properties, items: _items, additionalProperties: _additional, ...rest } = schema;
  const published: Published = { ...rest };
  if (options.version === 2) {
    for (const name of onlyVersion3) delete published[name];
    // Readers of version 2 take every type, field and format to the letter.
    if (isIntOrString(schema) || schema.nullable) delete published.type;
    if (isIntOrString(schema)) delete published.format;
    const isBare = preservesUnknown(schema) || schema.nullable === true;
    // An array without a type of items is none to kubectl.
    if (schema.type === 'array' && (isBare || !itemsOf(schema))) delete published.type;
    if (isBare) return published;
    requireNothingNullable(schema, published);
  }
  const below = (one: JSONSchemaProps) => publish(one, options);
  const items = itemsOf(schema);
  if (items) published.items = below(items);
  const additional = additionalOf(schema);
  if (additional !== undefined)
    published.additionalProperties = typeof additional === 'object' ? below(additional) : additional;
  if (properties || isEmbedded(schema)) {
    const own = Object.fromEntries(Object.entries(properties ?? {}).map(([name, property]) => [name, below(property)]));
    published.properties = isEmbedded(schema) ? { ...own, ...resourceFields(options) } : own;
  }
  return published;
}
