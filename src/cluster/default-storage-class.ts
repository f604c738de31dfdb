// The StorageClass that `portico up` gives a cluster, so that claims that name none get a directory on their pod's node.
import type { StorageClass } from '../api/storage/v1/types.generated.ts';
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

/** Leaves a class of that name as it is. */
export async function ensureDefaultStorageClass(client: Client): Promise<void> {
  const classes = client.resource<StorageClass>(storageClasses);
  try {
    await classes.get(localPath.metadata.name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await classes.create(localPath).catch((refused: unknown) => {
      if (!isAlreadyExists(refused)) throw refused;
    });
  }
}
