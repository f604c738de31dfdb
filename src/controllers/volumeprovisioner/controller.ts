// Makes the volumes of our local-path classes, and removes those that are Released.
import { classNameOf } from '../../api/core/v1/persistentvolume/matching.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/status.ts';
import { nodes, persistentVolumeClaims, persistentVolumes, storageClasses } from '../../client/resources.ts';
import { readText } from '../../client/watch-stream.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange, recorderOf } from '../controller.ts';
import { nodeToClear, provisioner, volumeOf, wantedVolume } from './reconcile.ts';

export function localPathProvisioner(context: ControllerContext): Controller {
  const { client, informers } = context;
  const claims = informers.informer<PersistentVolumeClaim>(persistentVolumeClaims);
  const volumes = informers.informer<PersistentVolume>(persistentVolumes);
  const classes = informers.informer<StorageClass>(storageClasses);
  const nodeInformer = informers.informer<Node>(nodes);
  const recorder = recorderOf(context, provisioner);
  const volumeClient = client.resource<PersistentVolume>(persistentVolumes);

  const waitFor = [claims, volumes, classes, nodeInformer];
  const controller = new KeyedController({ name: 'local-path-provisioner-controller', context, waitFor, sync });
  const { queue } = controller;
  onEveryChange(claims, (claim) => queue.add(`claim/${objectKey(claim)}`));
  onEveryChange(volumes, (volume) => queue.add(`volume/${volume.metadata.name}`));

  async function sync(key: string): Promise<undefined> {
    const [what, first = '', second = ''] = key.split('/');
    if (what === 'claim') await provision(first, second);
    else await clear(first);
  }

  async function provision(namespace: string, name: string): Promise<void> {
    const claim = claims.lister.get(name, namespace);
    const storageClass = claim && classes.lister.get(classNameOf(claim));
    const wanted = claim && wantedVolume(claim, storageClass, volumes.lister.list());
    if (!claim || !storageClass || !wanted) return;
    const outside = `External provisioner is provisioning volume for claim "${namespace}/${name}"`;
    recorder.event(claim, { type: 'Normal', reason: 'Provisioning', message: outside });
    try {
      const path = await askNode('POST', wanted.nodeName, wanted.volumeName);
      await volumeClient.create(volumeOf(claim, storageClass, { ...wanted, path }));
    } catch (error) {
      if (isAlreadyExists(error)) return;
      const message = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${errorMessage(error)}`;
      recorder.event(claim, { type: 'Warning', reason: 'ProvisioningFailed', message });
      throw error;
    }
    const message = `Successfully provisioned volume ${wanted.volumeName}`;
    recorder.event(claim, { type: 'Normal', reason: 'ProvisioningSucceeded', message });
  }

  async function clear(name: string): Promise<void> {
    const volume = volumes.lister.get(name);
    const nodeName = volume && nodeToClear(volume);
    if (!volume || nodeName === undefined) return;
    try {
      // With its node the directory is gone.
      if (nodeInformer.lister.get(nodeName)) await askNode('DELETE', nodeName, name);
      await volumeClient.delete(name);
    } catch (error) {
      if (isNotFound(error)) return;
      recorder.event(volume, { type: 'Warning', reason: 'VolumeFailedDelete', message: errorMessage(error) });
      throw error;
    }
  }

  /** What the node's kubelet answers: of a POST the path of the directory. */
  async function askNode(method: 'POST' | 'DELETE', nodeName: string, volumeName: string): Promise<string> {
    const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}/proxy/localVolumes/${encodeURIComponent(volumeName)}`;
    const response = await client.raw({ method, path });
    const text = await readText(response.body);
    if (response.status !== 200) throw new Error(`node ${nodeName} answers ${response.status}: ${text.trim()}`);
    return text;
  }

  return controller;
}
