// A spec as upstream's internal type has it, which is what is validated there: what all versions have alike stands once above
// them, under its own path, and values in messages are printed as that type's Go structs.
import { sortedKeys } from '../../../../apimachinery/json/go-text.ts';
import { isObject, jsonEqual } from '../../../../apimachinery/json/value.ts';
import type { JSONSchemaProps } from '../../schema/props.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  CustomResourceValidation,
  SelectableField,
  ValidationRule,
} from '../types.generated.ts';

/** What a version may say for itself, or the spec for all of its versions. */
export interface VersionParts {
  readonly schema?: CustomResourceValidation | undefined;
  readonly subresources?: CustomResourceSubresources | undefined;
  readonly additionalPrinterColumns?: readonly CustomResourceColumnDefinition[] | undefined;
  readonly selectableFields?: readonly SelectableField[] | undefined;
}

export interface InternalVersion extends VersionParts {
  readonly version: CustomResourceDefinitionVersion;
}

export interface InternalSpec {
  /** Without what all have alike. */
  readonly versions: readonly InternalVersion[];
  /** What all versions have alike. */
  readonly common: VersionParts;
}

const partNames = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;

export function internalSpec({ versions = [] }: CustomResourceDefinitionSpec): InternalSpec {
  const [first] = versions;
  const isCommon = (name: (typeof partNames)[number]) =>
    versions.every((version) => jsonEqual(presentPart(version[name]), presentPart(first?.[name])));
  const common = new Set(partNames.filter(isCommon));
  const pick = (version: CustomResourceDefinitionVersion | undefined, wanted: (name: string) => boolean) =>
    Object.fromEntries(partNames.filter(wanted).map((name) => [name, version?.[name]])) as VersionParts;
  return {
    versions: versions.map((version) => ({ version, ...pick(version, (name) => !common.has(name as never)) })),
    common: pick(first, (name) => common.has(name as never)),
  };
}

/** An empty list is none. */
function presentPart(part: unknown): unknown {
  return part === undefined || (Array.isArray(part) && part.length === 0) ? null : part;
}

/** The schema of one version, wherever it stands. */
export function schemaOf({ versions, common }: InternalSpec, name: string): CustomResourceValidation | undefined {
  return common.schema ?? versions.find(({ version }) => version.name === name)?.schema;
}

export function goVersions({ versions }: InternalSpec): unknown {
  if (versions.length === 0) return null;
  return versions.map(({ version, schema, subresources, additionalPrinterColumns, selectableFields }) => ({
    Name: version.name ?? '',
    Served: version.served ?? false,
    Storage: version.storage ?? false,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: schema ? { OpenAPIV3Schema: goSchemaOrNull(schema.openAPIV3Schema) } : null,
    Subresources: subresources ? goSubresources(subresources) : null,
    AdditionalPrinterColumns: additionalPrinterColumns?.map(goColumn) ?? null,
    SelectableFields: selectableFields?.map(({ jsonPath = '' }) => ({ JSONPath: jsonPath })) ?? null,
  }));
}

function goSubresources({ status, scale }: CustomResourceSubresources): unknown {
  return {
    Status: status === undefined ? null : {},
    Scale: scale
      ? {
          SpecReplicasPath: scale.specReplicasPath ?? '',
          StatusReplicasPath: scale.statusReplicasPath ?? '',
          LabelSelectorPath: scale.labelSelectorPath ?? null,
        }
      : null,
  };
}

function goColumn(column: CustomResourceColumnDefinition): unknown {
  return {
    Name: column.name ?? '',
    Type: column.type ?? '',
    Format: column.format ?? '',
    Description: column.description ?? '',
    Priority: column.priority ?? 0,
    JSONPath: column.jsonPath ?? '',
  };
}

function goSchemaOrNull(schema: JSONSchemaProps | undefined): unknown {
  return schema ? goSchema(schema) : null;
}

function goSchemas(schemas: readonly JSONSchemaProps[] | undefined): unknown {
  return schemas?.map(goSchema) ?? null;
}

function goSchemaMap(schemas: Readonly<Record<string, JSONSchemaProps>> | undefined): unknown {
  return goMap(schemas, goSchema);
}

function goMap<T>(values: Readonly<Record<string, T>> | undefined, print: (value: T) => unknown): unknown {
  if (!values) return null;
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, value]) => [name, print(value)]));
}

/** The fields of the internal schema type, in its order: its name in Go, in JSON, and how its value is printed. */
const schemaFields: readonly (readonly [string, keyof JSONSchemaProps, (schema: JSONSchemaProps) => unknown])[] = [
  ['ID', 'id', ({ id }) => id ?? ''],
  ['Schema', '$schema', ({ $schema }) => $schema ?? ''],
  ['Ref', '$ref', ({ $ref }) => $ref ?? null],
  ['Description', 'description', ({ description }) => description ?? ''],
  ['Type', 'type', ({ type }) => type ?? ''],
  ['Nullable', 'nullable', ({ nullable }) => nullable ?? false],
  ['Format', 'format', ({ format }) => format ?? ''],
  ['Title', 'title', ({ title }) => title ?? ''],
  ['Default', 'default', (schema) => sortedKeys(schema.default ?? null)],
  ['Maximum', 'maximum', ({ maximum }) => maximum ?? null],
  ['ExclusiveMaximum', 'exclusiveMaximum', ({ exclusiveMaximum }) => exclusiveMaximum ?? false],
  ['Minimum', 'minimum', ({ minimum }) => minimum ?? null],
  ['ExclusiveMinimum', 'exclusiveMinimum', ({ exclusiveMinimum }) => exclusiveMinimum ?? false],
  ['MaxLength', 'maxLength', ({ maxLength }) => maxLength ?? null],
  ['MinLength', 'minLength', ({ minLength }) => minLength ?? null],
  ['Pattern', 'pattern', ({ pattern }) => pattern ?? ''],
  ['MaxItems', 'maxItems', ({ maxItems }) => maxItems ?? null],
  ['MinItems', 'minItems', ({ minItems }) => minItems ?? null],
  ['UniqueItems', 'uniqueItems', ({ uniqueItems }) => uniqueItems ?? false],
  ['MultipleOf', 'multipleOf', ({ multipleOf }) => multipleOf ?? null],
  ['Enum', 'enum', (schema) => sortedKeys(schema.enum ?? null)],
  ['MaxProperties', 'maxProperties', ({ maxProperties }) => maxProperties ?? null],
  ['MinProperties', 'minProperties', ({ minProperties }) => minProperties ?? null],
  ['Required', 'required', ({ required }) => required ?? null],
  ['Items', 'items', ({ items }) => goSchemaOrArray(items)],
  ['AllOf', 'allOf', ({ allOf }) => goSchemas(allOf)],
  ['OneOf', 'oneOf', ({ oneOf }) => goSchemas(oneOf)],
  ['AnyOf', 'anyOf', ({ anyOf }) => goSchemas(anyOf)],
  ['Not', 'not', ({ not }) => goSchemaOrNull(not)],
  ['Properties', 'properties', ({ properties }) => goSchemaMap(properties)],
  ['AdditionalProperties', 'additionalProperties', (schema) => goSchemaOrBool(schema.additionalProperties)],
  ['PatternProperties', 'patternProperties', ({ patternProperties }) => goSchemaMap(patternProperties)],
  ['Dependencies', 'dependencies', ({ dependencies }) => goMap(dependencies, goSchemaOrStrings)],
  ['AdditionalItems', 'additionalItems', ({ additionalItems }) => goSchemaOrBool(additionalItems)],
  ['Definitions', 'definitions', ({ definitions }) => goSchemaMap(definitions)],
  [
    'ExternalDocs',
    'externalDocs',
    ({ externalDocs: d }) => (d ? { Description: d.description ?? '', URL: d.url ?? '' } : null),
  ],
  ['Example', 'example', ({ example }) => sortedKeys(example ?? null)],
  [
    'XPreserveUnknownFields',
    'x-kubernetes-preserve-unknown-fields',
    (schema) => schema['x-kubernetes-preserve-unknown-fields'] ?? null,
  ],
  [
    'XEmbeddedResource',
    'x-kubernetes-embedded-resource',
    (schema) => schema['x-kubernetes-embedded-resource'] ?? false,
  ],
  ['XIntOrString', 'x-kubernetes-int-or-string', (schema) => schema['x-kubernetes-int-or-string'] ?? false],
  ['XListMapKeys', 'x-kubernetes-list-map-keys', (schema) => schema['x-kubernetes-list-map-keys'] ?? null],
  ['XListType', 'x-kubernetes-list-type', (schema) => schema['x-kubernetes-list-type'] ?? null],
  ['XMapType', 'x-kubernetes-map-type', (schema) => schema['x-kubernetes-map-type'] ?? null],
  ['XValidations', 'x-kubernetes-validations', (schema) => schema['x-kubernetes-validations']?.map(goRule) ?? null],
];

export function goSchema(schema: JSONSchemaProps): unknown {
  return Object.fromEntries(schemaFields.map(([name, , print]) => [name, print(schema)]));
}

/** Go's names of the fields that a schema sets, in the order of the type. */
export function goFieldsSet(schema: JSONSchemaProps): string[] {
  return schemaFields.filter(([, name]) => schema[name] !== undefined && schema[name] !== null).map(([name]) => name);
}

export function goSchemaOrArray(items: unknown): unknown {
  if (Array.isArray(items)) return { Schema: null, JSONSchemas: goSchemas(items as JSONSchemaProps[]) };
  return isObject(items) ? { Schema: goSchema(items as JSONSchemaProps), JSONSchemas: null } : null;
}

function goSchemaOrBool(value: unknown): unknown {
  if (typeof value === 'boolean') return { Allows: value, Schema: null };
  return isObject(value) ? { Allows: true, Schema: goSchema(value as JSONSchemaProps) } : null;
}

function goSchemaOrStrings(value: unknown): unknown {
  if (Array.isArray(value)) return { Schema: null, Property: value as unknown[] };
  return { Schema: isObject(value) ? goSchema(value as JSONSchemaProps) : null, Property: null };
}

export function goRule({
  rule,
  message = '',
  messageExpression = '',
  reason,
  fieldPath = '',
  optionalOldSelf,
}: ValidationRule): unknown {
  return {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason ?? null,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf ?? null,
  };
}
