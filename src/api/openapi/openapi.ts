// The OpenAPI documents of the API: /openapi/v3 and its documents per group and version, and /openapi/v2. Documents are
// made when they are first asked for, and then kept.
import { createHash } from 'node:crypto';
import type { JSONSchemaProps } from '../apiextensions/v1/types.generated.ts';
import { table as enumsTable } from '../facts/enums.generated.ts';
import { table as fieldsTable } from '../facts/fields.generated.ts';
import { table as mergeKeysTable } from '../facts/merge-keys.generated.ts';
import { type Facts, readFacts } from '../schema/facts.ts';
import { type ComponentSources, Components, type CustomKind, type JsonSchema } from './components.ts';
import { type DefaultOf, readDefaults } from './defaults.ts';
import { readDescriptions } from './descriptions.ts';
import { type OwnPath, ownPathItem, ownPaths } from './own-paths.ts';
import { documentName, type PathResource, pathsOf } from './paths.ts';
import { encodeSwagger } from './protobuf.ts';

/** A resource or subresource; a custom one brings its schema (apiextensions JSONSchemaProps). */
export type OpenApiResource = PathResource & {
  readonly openApiSchema?: JSONSchemaProps;
  readonly listKind?: string;
  /** By their paths. */
  readonly selectableFields?: object;
};

export interface MadeDocument {
  readonly hash: string;
  /** JSON text, or the bytes of another form. */
  readonly body: string | Uint8Array;
}

/** Documents that were made, by name, with what they were made of. */
export type KeptDocuments = Map<string, MadeDocument>;

export interface OpenApiOptions {
  /** Resources and their subresources, as in discovery. */
  readonly resources: readonly OpenApiResource[];
  /** `v1.36.2`. */
  readonly version: string;
  /** Documents of an earlier state: those that are as they were are not made again. */
  readonly kept?: KeptDocuments;
}

export interface OpenApi {
  /** The answer of /openapi/v3 as JSON text: each document's path with its hash, so that clients may keep it for good. */
  index(): string;
  /** The document of `api/v1`, `apis/apps/v1`, … as JSON text; undefined where there is none. */
  document(name: string): MadeDocument | undefined;
  /** The answer of /openapi/v2 as JSON text. */
  swagger(): MadeDocument;
  /** The same as protocol buffers (openapi.v2.Document of gnostic). */
  swaggerMessage(): MadeDocument;
}

/** Raised when the same tables make another document: clients keep documents by their hash, for good. */
const form = 4;

export function openApi(options: OpenApiOptions): OpenApi {
  return new Documents(options);
}

class Documents implements OpenApi {
  readonly #resources: readonly OpenApiResource[];
  readonly #version: string;
  readonly #byDocument: ReadonlyMap<string, readonly OpenApiResource[]>;
  readonly #ownPaths: readonly OwnPath[];
  readonly #ownByDocument: ReadonlyMap<string, readonly OwnPath[]>;
  readonly #kept: KeptDocuments;
  #facts: Facts | undefined;
  #defaultOf: DefaultOf | undefined;
  #tables: string | undefined;

  constructor({ resources, version, kept = new Map() }: OpenApiOptions) {
    this.#kept = kept;
    this.#resources = resources;
    this.#version = version;
    this.#byDocument = Map.groupBy(resources, documentName);
    this.#ownPaths = ownPaths(resources);
    this.#ownByDocument = Map.groupBy(this.#ownPaths, ({ document }) => document);
  }

  index(): string {
    const paths: Record<string, JsonSchema> = {};
    for (const name of [...new Set([...this.#byDocument.keys(), ...this.#ownByDocument.keys()])].sort()) {
      const hash = this.#hash(this.#byDocument.get(name) ?? []);
      paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` };
    }
    return JSON.stringify({ paths });
  }

  document(name: string): MadeDocument | undefined {
    const own = this.#ownByDocument.get(name) ?? [];
    const resources = this.#byDocument.get(name) ?? [];
    if (own.length + resources.length === 0) return undefined;
    return this.#made(name, this.#hash(resources), () => JSON.stringify(this.#v3(resources, own)));
  }

  swagger(): MadeDocument {
    return this.#made('v2', this.#hash(this.#resources), () => JSON.stringify(this.#v2()));
  }

  swaggerMessage(): MadeDocument {
    return this.#made('v2 message', this.#hash(this.#resources), () => encodeSwagger(this.#v2()));
  }

  #made(name: string, hash: string, make: () => string | Uint8Array): MadeDocument {
    const present = this.#kept.get(name);
    if (present?.hash === hash) return present;
    const document = { body: make(), hash };
    this.#kept.set(name, document);
    return document;
  }

  /** Of what a document is made of rather than of the document, so that the index need not make them all. */
  #hash(resources: readonly OpenApiResource[]): string {
    this.#tables ??= createHash('sha256')
      .update(fieldsTable)
      .update(mergeKeysTable)
      .update(enumsTable)
      .update(readDescriptions().text)
      .digest('hex');
    const facts = resources.map(({ group, version, resource, kind, namespaced, verbs, openApiSchema, ...own }) => [
      group,
      version,
      resource,
      kind,
      namespaced,
      verbs,
      ...(openApiSchema ? [schemaHash(openApiSchema), own.listKind, ...Object.keys(own.selectableFields ?? {})] : []),
    ]);
    const text = JSON.stringify([form, this.#version, this.#tables, facts]);
    return createHash('sha256').update(text).digest('hex').toUpperCase();
  }

  #sources(resources: readonly OpenApiResource[]): ComponentSources {
    this.#facts ??= readFacts();
    this.#defaultOf ??= readDefaults();
    return { facts: this.#facts, defaultOf: this.#defaultOf, custom: customKinds(resources) };
  }

  #v3(resources: readonly OpenApiResource[], own: readonly OwnPath[]): unknown {
    const components = new Components(3, this.#sources(resources));
    return {
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: this.#version },
      paths: pathItems(resources, own, components),
      components: { schemas: components.all() },
    };
  }

  #v2(): object {
    const components = new Components(2, this.#sources(this.#resources));
    return {
      swagger: '2.0',
      info: { title: 'Kubernetes', version: this.#version },
      paths: pathItems(this.#resources, this.#ownPaths, components),
      definitions: components.all(),
    };
  }
}

function pathItems(resources: readonly PathResource[], own: readonly OwnPath[], components: Components): JsonSchema {
  const name = ({ group, version, resource }: PathResource) => `${group}/${version}/${resource.split('/')[0]}`;
  const kinds = new Map(resources.filter((r) => !r.resource.includes('/')).map((r) => [name(r), r.kind]));
  const items = resources.flatMap((r) => Object.entries(pathsOf(r, kinds.get(name(r)) ?? r.kind, components)));
  for (const one of own) items.push([one.path, ownPathItem(one, components)]);
  return Object.fromEntries(items.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function customKinds(resources: readonly OpenApiResource[]): CustomKind[] {
  return resources.flatMap(({ group, version, resource, kind, listKind, openApiSchema, selectableFields = {} }) =>
    openApiSchema && !resource.includes('/')
      ? [{ group, version, kind, listKind, schema: openApiSchema, selectableFields: Object.keys(selectableFields) }]
      : [],
  );
}

const schemaHashes = new WeakMap<object, string>();

/** Schemas are large and change seldom: each is looked at once. */
function schemaHash(schema: JSONSchemaProps): string {
  let hash = schemaHashes.get(schema);
  if (hash === undefined) {
    hash = createHash('sha256').update(JSON.stringify(schema)).digest('hex');
    schemaHashes.set(schema, hash);
  }
  return hash;
}
