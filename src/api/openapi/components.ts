// The schemas of the types, as OpenAPI writes them, from the tables of facts.

import { table } from '../../apimachinery/table.ts';
import { type PublishedKind, publishedList, publishedSchema } from '../apiextensions/schema/publish.ts';
import type { JSONSchemaProps } from '../apiextensions/v1/types.generated.ts';
import type { Facts, MergeFacts } from '../schema/facts.ts';
import type { DefaultOf } from './defaults.ts';
import { readDescriptions } from './descriptions.ts';
import { readEnums } from './enums.ts';

/** 2 is Swagger (`definitions`), 3 is OpenAPI 3.0 (`components/schemas`): they differ in references and in `oneOf`. */
export type OpenApiVersion = 2 | 3;

export type JsonSchema = { readonly [key: string]: unknown };

const scalars = table<JsonSchema>({
  string: { type: 'string' },
  'string:byte': { type: 'string', format: 'byte' },
  'string:date-time': { type: 'string', format: 'date-time' },
  boolean: { type: 'boolean' },
  'integer:int32': { type: 'integer', format: 'int32' },
  'integer:int64': { type: 'integer', format: 'int64' },
  'number:double': { type: 'number', format: 'double' },
  object: { type: 'object' },
  any: {},
});

/** Types that are written in their own way, by version. */
const special = table<Readonly<Record<OpenApiVersion, JsonSchema>>>({
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    2: { type: 'string', format: 'int-or-string' },
    3: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    2: { type: 'string' },
    3: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  },
});

const intOrString: Readonly<Record<OpenApiVersion, JsonSchema>> =
  special['io.k8s.apimachinery.pkg.util.intstr.IntOrString']!;

/** A kind that the tables of facts do not have: a custom resource. */
export interface CustomKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: JSONSchemaProps;
  readonly listKind?: string | undefined;
  /** Paths as in `spec.color`. */
  readonly selectableFields?: readonly string[];
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

function publishedKind({ group, version, selectableFields = [] }: CustomKind, kind: string): PublishedKind {
  return { group, kind, version, ...(selectableFields.length > 0 && { selectableFields }) };
}

export interface ComponentSources {
  readonly facts: Facts;
  readonly defaultOf: DefaultOf;
  readonly custom: readonly CustomKind[];
}

interface PropertyFacts {
  readonly merge: MergeFacts | undefined;
  readonly description: string | undefined;
  /** What it is where it is left out: see {@link DefaultOf}. */
  readonly absent: unknown;
}

/** Collects the types that a document needs. */
export class Components {
  readonly version: OpenApiVersion;
  readonly #facts: Facts;
  readonly #descriptions = readDescriptions();
  readonly #enumOf = readEnums();
  readonly #defaultOf: DefaultOf;
  readonly #schemas = new Map<string, JsonSchema>();
  /** By `group/version/kind`. */
  readonly #custom: ReadonlyMap<string, CustomKind>;

  constructor(version: OpenApiVersion, { facts, defaultOf, custom }: ComponentSources) {
    this.version = version;
    this.#facts = facts;
    this.#defaultOf = defaultOf;
    this.#custom = new Map(custom.map((one) => [`${one.group}/${one.version}/${one.kind}`, one]));
  }

  /** All schemas asked for and those they refer to, by name. */
  all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A reference to the schema of a kind; undefined when the kind is not known. */
  kind(groupVersionKind: string): JsonSchema | undefined {
    const type = this.#facts.typesOfKinds.get(groupVersionKind);
    return type === undefined ? this.#customKind(groupVersionKind) : this.reference(type);
  }

  #customKind(groupVersionKind: string): JsonSchema | undefined {
    const own = this.#custom.get(groupVersionKind);
    if (own) {
      return this.#named(own, own.kind, () => {
        const metadata = this.reference(`${meta}.ObjectMeta`);
        return publishedSchema(own.schema, publishedKind(own, own.kind), { version: this.version, metadata });
      });
    }
    const item = groupVersionKind.endsWith('List') ? this.#custom.get(groupVersionKind.slice(0, -4)) : undefined;
    if (!item) return undefined;
    const reference = this.#customKind(groupVersionKind.slice(0, -4))!;
    const listKind = item.listKind ?? `${item.kind}List`;
    return this.#named(item, listKind, () => {
      const metadata = this.reference(`${meta}.ListMeta`);
      return publishedList(publishedKind(item, listKind), { item: reference, metadata, version: this.version });
    });
  }

  /** `com.example.v1.Widget`. */
  #named({ group, version }: CustomKind, kind: string, make: () => JsonSchema): JsonSchema {
    const name = [...group.split('.').reverse(), version, kind].join('.');
    if (!this.#schemas.has(name)) this.#schemas.set(name, make());
    return this.#referenceTo(name);
  }

  #referenceTo(name: string): JsonSchema {
    return { $ref: `${this.version === 2 ? '#/definitions/' : '#/components/schemas/'}${name}` };
  }

  /** A reference to a type by its full name, which is then among the schemas. */
  reference(type: string): JsonSchema {
    if (!this.#schemas.has(type)) {
      this.#schemas.set(type, {});
      this.#schemas.set(type, this.#schemaOf(type));
    }
    return this.#referenceTo(type);
  }

  #schemaOf(type: string): JsonSchema {
    const own = special[type];
    if (own) return own[this.version];
    const facts = this.#facts.factsOf(type);
    if (!facts) return {};
    const [first] = facts.fields;
    if (first?.name === '(itself)') return this.#value(first.type);
    const properties: Record<string, JsonSchema> = {};
    const short = type.split('.').slice(-3).join('.');
    for (const field of facts.fields) {
      const description = this.#descriptions.field(short, field.name);
      const property = this.#property(field.type, {
        merge: facts.merge.get(field.name),
        description,
        // Swagger's documents are kept small.
        absent: this.version === 3 ? this.#defaultOf(type, field.name) : undefined,
      });
      properties[field.name] = withEnum(property, this.#enumOf(type, field.name));
    }
    const description = this.#descriptions.type(short);
    const required = facts.fields.filter((field) => field.required).map((field) => field.name);
    const [group = '', version = '', kind = ''] = facts.groupVersionKind.split('/');
    return {
      ...(description && { description }),
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      ...(kind !== '' && { 'x-kubernetes-group-version-kind': [{ group, kind, version }] }),
      ...(facts.merge.get('(itself)')?.listOrMapType === 'atomic' && { 'x-kubernetes-map-type': 'atomic' }),
    };
  }

  #property(type: string, { merge, description, absent }: PropertyFacts): JsonSchema {
    const value = this.#value(type);
    if (!merge && !description && absent === undefined) return value;
    const extensions = {
      ...(description && { description }),
      ...(absent !== undefined && { default: absent }),
      ...(merge && extensionsOf(merge, type.startsWith('[]'))),
    };
    if (!('$ref' in value)) return { ...value, ...extensions };
    // Beside a reference OpenAPI 3 reads nothing else; Swagger's readers do.
    return this.version === 2 ? { ...value, ...extensions } : { allOf: [value], ...extensions };
  }

  #value(type: string): JsonSchema {
    if (type.startsWith('[]')) return { type: 'array', items: this.#value(type.slice(2)) };
    if (type.startsWith('map[string]')) {
      return { type: 'object', additionalProperties: this.#value(type.slice('map[string]'.length)) };
    }
    if (type === 'string:int-or-string') return intOrString[this.version];
    return scalars[type] ?? this.reference(type);
  }
}

function withEnum(property: JsonSchema, values: readonly string[] | undefined): JsonSchema {
  if (!values) return property;
  for (const part of ['items', 'additionalProperties']) {
    if (property[part]) return { ...property, [part]: { ...(property[part] as JsonSchema), enum: values } };
  }
  return { ...property, enum: values };
}

function extensionsOf(merge: MergeFacts, isList: boolean): JsonSchema {
  const { listMapKeys, listOrMapType, patchMergeKey, patchStrategy } = merge;
  return {
    ...(listMapKeys.length > 0 && { 'x-kubernetes-list-map-keys': listMapKeys }),
    ...(listOrMapType !== '' && { [isList ? 'x-kubernetes-list-type' : 'x-kubernetes-map-type']: listOrMapType }),
    ...(patchMergeKey !== '' && { 'x-kubernetes-patch-merge-key': patchMergeKey }),
    ...(patchStrategy !== '' && { 'x-kubernetes-patch-strategy': patchStrategy }),
  };
}
