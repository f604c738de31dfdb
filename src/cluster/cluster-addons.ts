// What `portico up` gives a cluster beside what every API server has: a StorageClass, so that claims that name none get a
// directory on their pod's node, and the resource metrics API for `kubectl top` and autoscalers.
import type { APIService } from '../api/apiregistration/v1/types.generated.ts';
import type { StorageClass } from '../api/storage/v1/types.generated.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { isAlreadyExists, isNotFound } from '../apimachinery/status.ts';
import { storageClasses } from '../client/resources.ts';
import type { Client } from '../client/types.ts';
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

const apiServices = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' };

/** Leaves alone what is there under these names. */
export async function ensureClusterAddons(client: Client): Promise<void> {
  await Promise.all([ensure(client, storageClasses, localPath), ensure(client, apiServices, resourceMetrics)]);
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
