// Deletes all that is in a namespace, whatever kinds the server has, and says what still is.
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { ignoreNotFound, StatusError } from '../../apimachinery/status.ts';
import { type DiscoveredResource, discoverResources } from '../../client/discovery.ts';
import type { Client } from '../../client/types.ts';
import type { NamespaceContent, Remaining } from './reconcile.ts';

/** The namespace, and for how many milliseconds it has been going. */
export interface Ending {
  readonly namespace: string;
  readonly since: number;
}

/** Pods go first: what they use must outlive them (KEP-5080). What fails is told in the result. */
export async function emptyNamespace(client: Client, ending: Ending): Promise<NamespaceContent> {
  const { resources, failures } = await discoverResources(client);
  const discoveryFailures = [...failures].map(([group, error]) => `${group}: ${discoveryError(group, error)}`);
  const deletable = resources.filter((r) => r.namespaced && r.verbs.includes('list') && r.verbs.includes('delete'));
  const isPods = (r: DiscoveredResource) => r.group === '' && r.resource === 'pods';
  const emptyAll = (some: readonly DiscoveredResource[]) => emptyResources(client, some, ending);
  const first = await emptyAll(deletable.filter(isPods));
  const podsLeft = first.deletionFailures.length > 0 || first.remaining.some((r) => r.objects.length > 0);
  const content = podsLeft ? first : await emptyAll(deletable.filter((r) => !isPods(r)));
  return { ...content, discoveryFailures };
}

async function emptyResources(
  client: Client,
  resources: readonly DiscoveredResource[],
  ending: Ending,
): Promise<Omit<NamespaceContent, 'discoveryFailures'>> {
  const remaining: Remaining[] = [];
  const deletionFailures: string[] = [];
  await Promise.all(
    resources.map(async (resource) => {
      try {
        const before = await listAll(client, resource, ending);
        const objects = before.length === 0 ? [] : await emptyResource(client, resource, { ...ending, before });
        remaining.push({ resource, objects });
        if (isUnexpected(objects, before, ending)) deletionFailures.push(unexpectedItems(resource, ending));
      } catch (error) {
        deletionFailures.push(errorMessage(error));
      }
    }),
  );
  const order = (a: Remaining, b: Remaining) => (a.resource.resource < b.resource.resource ? -1 : 1);
  return { remaining: remaining.sort(order), deletionFailures: deletionFailures.sort() };
}

async function listAll(client: Client, resource: DiscoveredResource, { namespace }: Ending): Promise<KubeObject[]> {
  return (await client.resource<KubeObject>(resource).list({ namespace })).items;
}

/** What is left of one resource: objects with finalizers, pods that have yet to end. */
async function emptyResource(
  client: Client,
  resource: DiscoveredResource,
  ending: Ending & { readonly before: readonly KubeObject[] },
): Promise<KubeObject[]> {
  const objects = client.resource<KubeObject>(resource);
  for (const { metadata } of ending.before) {
    if (metadata.deletionTimestamp) continue;
    await objects.delete(metadata.name, ending.namespace, { propagationPolicy: 'Background' }).catch(ignoreNotFound);
  }
  return await listAll(client, resource, ending);
}

/** Whether objects are left that no finalizer holds, and that are no pods in their grace. */
function isUnexpected(left: readonly KubeObject[], before: readonly KubeObject[], { since }: Ending): boolean {
  if (left.length === 0 || left.some(({ metadata }) => (metadata.finalizers ?? []).length > 0)) return false;
  return since >= Math.max(0, ...before.map(graceOf));
}

/** Milliseconds; 0 for what is no pod. */
function graceOf(object: KubeObject & Partial<Pick<Pod, 'spec' | 'status'>>): number {
  return isPodTerminal(object) ? 0 : (object.spec?.terminationGracePeriodSeconds ?? 0) * 1000;
}

function unexpectedItems({ group, version, resource }: DiscoveredResource, { namespace }: Ending): string {
  return `unexpected items still remain in namespace: ${namespace} for gvr: ${group}/${version}, Resource=${resource}`;
}

/** As upstream calls the discovery of an API whose server is away. */
function discoveryError(groupVersion: string, error: unknown): string {
  if (error instanceof StatusError && error.status.code === 503) return `stale GroupVersion discovery: ${groupVersion}`;
  return errorMessage(error);
}
