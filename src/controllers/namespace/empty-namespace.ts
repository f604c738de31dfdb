// Deletes all that is in a namespace, whatever kinds the server has, and says what still is.
import type { KubeObject } from '../../apimachinery/object.ts';
import { ignoreNotFound, StatusError } from '../../apimachinery/status.ts';
import { type DiscoveredResource, discoverResources } from '../../client/discovery.ts';
import type { Client } from '../../client/types.ts';
import type { NamespaceContent, Remaining } from './reconcile.ts';

/** Pods go first: what they use must outlive them (KEP-5080). What fails is told in the result. */
export async function emptyNamespace(client: Client, namespace: string): Promise<NamespaceContent> {
  const { resources, failures } = await discoverResources(client);
  const discoveryFailures = [...failures].map(([group, error]) => `${group}: ${discoveryError(group, error)}`);
  const deletable = resources.filter((r) => r.namespaced && r.verbs.includes('list') && r.verbs.includes('delete'));
  const isPods = (r: DiscoveredResource) => r.group === '' && r.resource === 'pods';
  const emptyAll = (some: readonly DiscoveredResource[]) => emptyResources(client, some, namespace);
  const first = await emptyAll(deletable.filter(isPods));
  const podsLeft = first.deletionFailures.length > 0 || first.remaining.some((r) => r.objects.length > 0);
  const content = podsLeft ? first : await emptyAll(deletable.filter((r) => !isPods(r)));
  return { ...content, discoveryFailures };
}

async function emptyResources(
  client: Client,
  resources: readonly DiscoveredResource[],
  namespace: string,
): Promise<Omit<NamespaceContent, 'discoveryFailures'>> {
  const remaining: Remaining[] = [];
  const deletionFailures: string[] = [];
  await Promise.all(
    resources.map(async (resource) => {
      try {
        remaining.push({ resource, objects: await emptyResource(client, resource, namespace) });
      } catch (error) {
        deletionFailures.push((error as Error).message);
      }
    }),
  );
  const order = (a: Remaining, b: Remaining) => (a.resource.resource < b.resource.resource ? -1 : 1);
  return { remaining: remaining.sort(order), deletionFailures: deletionFailures.sort() };
}

/** What is left of one resource: objects with finalizers, pods that have yet to end. */
async function emptyResource(client: Client, resource: DiscoveredResource, namespace: string): Promise<KubeObject[]> {
  const objects = client.resource<KubeObject>(resource);
  const { items } = await objects.list({ namespace });
  if (items.length === 0) return [];
  for (const { metadata } of items) {
    if (metadata.deletionTimestamp) continue;
    await objects.delete(metadata.name, namespace, { propagationPolicy: 'Background' }).catch(ignoreNotFound);
  }
  return (await objects.list({ namespace })).items;
}

/** As upstream calls the discovery of an API whose server is away. */
function discoveryError(groupVersion: string, error: unknown): string {
  if (error instanceof StatusError && error.status.code === 503) return `stale GroupVersion discovery: ${groupVersion}`;
  return error instanceof Error ? error.message : String(error);
}
