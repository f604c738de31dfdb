// What a cluster is given once it has nodes of its own: a StorageClass, so that claims that name none get a directory on
// their pod's node, and the resource metrics API for `kubectl top` and autoscalers. An API server without agents has neither,
// as kube-apiserver.
import type { APIService } from '../api/apiregistration/v1/types.generated.ts';
import type { StorageClass } from '../api/storage/v1/types.generated.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { isAlreadyExists, isNotFound } from '../apimachinery/status.ts';
import { apiServices, storageClasses } from '../client/resources.ts';
import type { Client, Transport } from '../client/types.ts';
import { provisioner } from '../controllers/volumeprovisioner/reconcile.ts';

const localPath: StorageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'local-path', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
};

/** Without a Service: the API server answers for it itself. */
const resourceMetrics: APIService = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1beta1.metrics.k8s.io' },
  spec: { group: 'metrics.k8s.io', version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100 },
};

/** Named as the flag `--addons` of the server names them. */
export const addons = ['local-path', 'metrics'] as const;
export type Addon = (typeof addons)[number];

const objects: Readonly<Record<Addon, readonly [GroupVersionResource, KubeObject]>> = {
  'local-path': [storageClasses, localPath],
  metrics: [apiServices, resourceMetrics],
};

/** Leaves alone what is there under these names. */
export async function ensureClusterAddons(client: Client, wanted: readonly Addon[] = addons): Promise<void> {
  await Promise.all(wanted.map((name) => ensure(client, ...objects[name])));
}

/** Resolves when they are there, or when the signal aborts before an agent came. */
export async function addonsOnceJoined(
  transport: Transport,
  options: {
    readonly joined: Promise<void>;
    readonly addons: readonly Addon[] | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { joined, signal } = options;
  const ended = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => ended.resolve(), { once: true });
  await Promise.race([joined, ended.promise]);
  if (signal.aborted) return;
  const { createClient } = await import('../client/rest-client.ts');
  await ensureClusterAddons(createClient(transport), options.addons);
}

async function ensure(client: Client, resource: GroupVersionResource, object: KubeObject): Promise<void> {
  const api = client.resource<KubeObject>(resource);
  try {
    await api.get(object.metadata.name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await api.create(object).catch((refused: unknown) => {
      if (!isAlreadyExists(refused)) throw refused;
    });
  }
}
