// Server-side apply of manifests, as `kubectl apply --server-side` does it.
import { type KubeObject, parseApiVersion } from '../apimachinery/object.ts';
import { isNotFound } from '../apimachinery/status.ts';
import { type DiscoveredResource, resourcesOf } from '../client/discovery.ts';
import type { Client } from '../client/types.ts';
import { realClock } from '../system/real/clock.ts';
import { customResourceDefinitions } from './resources.ts';
import { waitFor } from './wait-for.ts';

const fieldManager = 'portico-testing';
/** Milliseconds. A definition is served within a few. */
const establishedWithin = 30_000;

/** An object of any kind: one of the kinds' own types, or written down on the spot with whatever fields its kind has. */
export type Manifest = KubeObject | (KubeObject & { readonly [field: string]: unknown });

export async function applyManifests(
  client: Client,
  manifests: string | Manifest | readonly Manifest[],
): Promise<KubeObject[]> {
  const given = typeof manifests === 'string' ? await parse(manifests) : [manifests].flat();
  const objects = given.flatMap(itemsOf);
  const applied: KubeObject[] = [];
  for (const object of objects) {
    const { namespaced, ...resource } = await find(client, object);
    const { name } = object.metadata;
    const namespace = namespaced ? (object.metadata.namespace ?? 'default') : undefined;
    const request = { name, ...(namespace && { namespace }), type: 'apply', body: object, force: true } as const;
    applied.push(await client.resource(resource).patch(request, { fieldManager }));
    if (object.kind === 'CustomResourceDefinition') await established(client, name);
  }
  return applied;
}

async function parse(text: string): Promise<KubeObject[]> {
  const { parseAllDocuments } = await import('yaml');
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new Error(`the manifests are no YAML: ${error.message}`, { cause: error });
    const value = document.toJS() as KubeObject | null;
    return value === null ? [] : [value];
  });
}

/** The objects of a List, or the object itself. */
function itemsOf(object: KubeObject): KubeObject[] {
  const { items } = object as { items?: KubeObject[] };
  return object.kind === 'List' && items ? items : [object];
}

async function find(client: Client, object: KubeObject): Promise<DiscoveredResource> {
  const { apiVersion, kind, metadata } = object;
  if (!apiVersion || !kind || !metadata?.name) {
    throw new Error(`a manifest needs apiVersion, kind and metadata.name: ${JSON.stringify(object).slice(0, 200)}`);
  }
  let served: DiscoveredResource[] = [];
  try {
    served = await resourcesOf(client, apiVersion);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const resource = served.find((one) => one.kind === kind);
  if (!resource) throw new Error(`the cluster serves no kind ${kind} of ${apiVersion}`);
  const { group, version } = parseApiVersion(apiVersion);
  return { ...resource, group, version };
}

function established(client: Client, name: string): Promise<unknown> {
  return waitFor({
    client,
    resource: customResourceDefinitions,
    name,
    condition: (one) => one?.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false,
    timeout: establishedWithin,
    clock: realClock,
  });
}
