// Empties namespaces that are being deleted, then lets them go.
import type { Namespace, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { isConflict, isNotFound } from '../../apimachinery/status.ts';
import { namespaces, pods } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, type SyncResult } from '../controller.ts';
import { emptyNamespace } from './empty-namespace.ts';
import { isEmpty, type NamespaceContent, statusOf } from './reconcile.ts';

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
      const since = clock.now() - Date.parse(namespace.metadata.deletionTimestamp);
      const content = await emptyNamespace(client, { namespace: name, since });
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
