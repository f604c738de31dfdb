// The OpenAPI documents of the API: /openapi/v3 and its documents per group and version, and /openapi/v2. Documents are
// made when they are first asked for, and then kept as text.
import { createHash } from 'node:crypto';
import { table as fieldsTable } from '../facts/fields.generated.ts';
import { table as mergeKeysTable } from '../facts/merge-keys.generated.ts';
import type { ResourceFacts } from '../resource.ts';
import { type Facts, readFacts } from '../schema/facts.ts';
import { Components, type JsonSchema } from './components.ts';
import { readDescriptions } from './descriptions.ts';
import { documentName, pathsOf } from './paths.ts';

export interface OpenApiOptions {
  /** Resources and their subresources, as in discovery. */
  readonly resources: readonly ResourceFacts[];
  /** `v1.36.2`. */
  readonly version: string;
}

export interface OpenApi {
  /** The answer of /openapi/v3 as JSON text: each document's path with its hash, so that clients may keep it for good. */
  index(): string;
  /** The document of `api/v1`, `apis/apps/v1`, … as JSON text; undefined where there is none. */
  document(name: string): { readonly text: string; readonly hash: string } | undefined;
  /** The answer of /openapi/v2 as JSON text. */
  swagger(): { readonly text: string; readonly hash: string };
}

export function openApi(options: OpenApiOptions): OpenApi {
  return new Documents(options);
}

class Documents implements OpenApi {
  private readonly resources: readonly ResourceFacts[];
  private readonly version: string;
  private readonly byDocument: ReadonlyMap<string, readonly ResourceFacts[]>;
  private readonly texts = new Map<string, string>();
  private facts: Facts | undefined;
  private tables: string | undefined;

  constructor({ resources, version }: OpenApiOptions) {
    this.resources = resources;
    this.version = version;
    this.byDocument = Map.groupBy(resources, documentName);
  }

  index(): string {
    const paths: Record<string, JsonSchema> = {};
    for (const [name, resources] of [...this.byDocument].sort(([a], [b]) => (a < b ? -1 : 1))) {
      paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${this.hash(resources)}` };
    }
    return JSON.stringify({ paths });
  }

  document(name: string): { readonly text: string; readonly hash: string } | undefined {
    const resources = this.byDocument.get(name);
    if (!resources) return undefined;
    return { text: this.kept(name, () => this.v3(resources)), hash: this.hash(resources) };
  }

  swagger(): { readonly text: string; readonly hash: string } {
    return { text: this.kept('v2', () => this.v2()), hash: this.hash(this.resources) };
  }

  private kept(name: string, make: () => unknown): string {
    const text = this.texts.get(name) ?? JSON.stringify(make());
    this.texts.set(name, text);
    return text;
  }

  /** Of what a document is made of rather than of the document, so that the index need not make them all. */
  private hash(resources: readonly ResourceFacts[]): string {
    this.tables ??= createHash('sha256')
      .update(fieldsTable)
      .update(mergeKeysTable)
      .update(JSON.stringify([...readDescriptions()]))
      .digest('hex');
    const facts = resources.map(({ group, version, resource, kind, namespaced, verbs }) => [
      group,
      version,
      resource,
      kind,
      namespaced,
      verbs,
    ]);
    const text = JSON.stringify([this.version, this.tables, facts]);
    return createHash('sha256').update(text).digest('hex').toUpperCase();
  }

  private v3(resources: readonly ResourceFacts[]): unknown {
    this.facts ??= readFacts();
    const components = new Components(3, this.facts);
    return {
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: this.version },
      paths: pathItems(resources, components),
      components: { schemas: components.all() },
    };
  }

  private v2(): unknown {
    this.facts ??= readFacts();
    const components = new Components(2, this.facts);
    return {
      swagger: '2.0',
      info: { title: 'Kubernetes', version: this.version },
      paths: pathItems(this.resources, components),
      definitions: components.all(),
    };
  }
}

function pathItems(resources: readonly ResourceFacts[], components: Components): JsonSchema {
  const name = ({ group, version, resource }: ResourceFacts) => `${group}/${version}/${resource.split('/')[0]}`;
  const kinds = new Map(resources.filter((r) => !r.resource.includes('/')).map((r) => [name(r), r.kind]));
  const items = resources.flatMap((r) => Object.entries(pathsOf(r, kinds.get(name(r)) ?? r.kind, components)));
  return Object.fromEntries(items.sort(([a], [b]) => (a < b ? -1 : 1)));
}
