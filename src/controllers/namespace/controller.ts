// Empties namespaces that are being deleted, then lets them go.
import type { Namespace, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { isConflict, isNotFound, StatusError } from '../../apimachinery/status.ts';
import { type DiscoveredResource, discoverResources } from '../../client/discovery.ts';
import { namespaces, pods } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, type SyncResult } from '../controller.ts';
import { isEmpty, type NamespaceContent, type Remaining, statusOf } from './reconcile.ts';

const finalizer = 'kubernetes';
/** Milliseconds between looks at a namespace whose content takes its time; doubles from the first to the last. */
const firstLook = 50;
const lastLook = 5_000;

export function namespaceController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<Namespace>(namespaces);
  const podInformer = informers.informer<Pod>(pods);
  const namespaceClient = client.resource<Namespace>(namespaces);
  const looks = new Map<string, number>();
  const controller = new KeyedController({
    name: 'namespace-controller',
    context,
    waitFor: [informer],
    workers: 10,
    sync,
  });
  const enqueue = (namespace: Readonly<Namespace>) => {
    if (namespace.metadata.deletionTimestamp) controller.queue.add(namespace.metadata.name);
  };
  informer.addHandler({ added: enqueue, updated: enqueue, deleted: ({ metadata }) => looks.delete(metadata.name) });
  podInformer.addHandler({
    // Mostly it is pods that are waited for.
    deleted(pod) {
      const namespace = informer.lister.get(pod.metadata.namespace ?? '');
      if (namespace) enqueue(namespace);
    },
  });

  async function sync(name: string): Promise<SyncResult | undefined> {
    const cached = informer.lister.get(name);
    if (!cached?.metadata.deletionTimestamp) return undefined;
    try {
      const namespace = await namespaceClient.get(name);
      if (!namespace.metadata.deletionTimestamp || !namespace.spec?.finalizers?.includes(finalizer)) return undefined;
      const content = await empty(name);
      const latest = await writeStatus(namespace, content);
      if (isEmpty(content)) {
        await finalize(latest);
        return undefined;
      }
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (isConflict(error)) return { requeueAfter: firstLook };
      throw error;
    }
    const look = looks.get(name) ?? firstLook;
    looks.set(name, Math.min(look * 2, lastLook));
    return { requeueAfter: look };
  }

  /** Deletes all that is there and says what still is. Pods go first: what they use must outlive them (KEP-5080). */
  async function empty(namespace: string): Promise<NamespaceContent> {
    const { resources, failures } = await discoverResources(client);
    const discoveryFailures = [...failures].map(([group, error]) => `${group}: ${discoveryError(group, error)}`);
    const deletable = resources.filter((r) => r.namespaced && r.verbs.includes('list') && r.verbs.includes('delete'));
    const isPods = (r: DiscoveredResource) => r.group === '' && r.resource === 'pods';
    const first = await emptyAll(deletable.filter(isPods), namespace);
    const podsLeft = first.deletionFailures.length > 0 || first.remaining.some((r) => r.objects.length > 0);
    if (podsLeft) return { ...first, discoveryFailures };
    return {
      ...(await emptyAll(
        deletable.filter((r) => !isPods(r)),
        namespace,
      )),
      discoveryFailures,
    };
  }

  async function emptyAll(resources: readonly DiscoveredResource[], namespace: string) {
    const remaining: Remaining[] = [];
    const deletionFailures: string[] = [];
    await Promise.all(
      resources.map(async (resource) => {
        try {
          remaining.push({ resource, objects: await emptyOne(resource, namespace) });
        } catch (error) {
          deletionFailures.push((error as Error).message);
        }
      }),
    );
    const order = (a: Remaining, b: Remaining) => (a.resource.resource < b.resource.resource ? -1 : 1);
    return { remaining: remaining.sort(order), deletionFailures: deletionFailures.sort() };
  }

  async function emptyOne(resource: DiscoveredResource, namespace: string): Promise<KubeObject[]> {
    const objects = client.resource<KubeObject>(resource);
    const { items } = await objects.list({ namespace });
    if (items.length === 0) return [];
    for (const { metadata } of items) {
      if (metadata.deletionTimestamp) continue;
      await objects.delete(metadata.name, namespace, { propagationPolicy: 'Background' }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
    return (await objects.list({ namespace })).items;
  }

  async function writeStatus(namespace: Namespace, content: NamespaceContent): Promise<Namespace> {
    const status = statusOf(namespace, content, clock.now());
    if (!status) return namespace;
    return namespaceClient.update({ ...namespace, status }, { subresource: 'status' });
  }

  async function finalize(namespace: Namespace): Promise<void> {
    const copy = jsonCopy(namespace);
    copy.spec = { ...copy.spec, finalizers: (copy.spec?.finalizers ?? []).filter((f) => f !== finalizer) };
    await namespaceClient.update(copy, { subresource: 'finalize' });
  }

  return controller;
}

/** As upstream calls the discovery of an API whose server is away. */
function discoveryError(groupVersion: string, error: unknown): string {
  if (error instanceof StatusError && error.status.code === 503) return `stale GroupVersion discovery: ${groupVersion}`;
  return error instanceof Error ? error.message : String(error);
}
