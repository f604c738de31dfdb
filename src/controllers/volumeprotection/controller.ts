// Puts finalizers on claims and volumes, and takes them off those that are being deleted, once nobody uses them.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController } from '../controller.ts';
import { mountedClaims } from '../shared/pods.ts';
import { claimFinalizer, isBound, isUsed, nextFinalizers, volumeFinalizer } from './reconcile.ts';

export function claimProtectionController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const claims = informers.informer<PersistentVolumeClaim>(persistentVolumeClaims);
  const podInformer = informers.informer<Pod>(pods);
  const claimClient = client.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const podClient = client.resource<Pod>(pods);
  const name = 'persistentvolumeclaim-protection-controller';
  const controller = new KeyedController({ name, context, waitFor: [claims, podInformer], sync });
  const { queue } = controller;
  claims.addHandler({ added: (one) => queue.add(objectKey(one)), updated: (one) => queue.add(objectKey(one)) });
  podInformer.addHandler({
    deleted(pod) {
      for (const claim of mountedClaims(pod)) queue.add(`${pod.metadata.namespace}/${claim}`);
    },
  });

  async function sync(key: string): Promise<undefined> {
    const [namespace = '', claimName = ''] = key.split('/');
    const claim = claims.lister.get(claimName, namespace);
    const next = claim && nextFinalizers(claim, claimFinalizer);
    if (!claim || !next) return;
    const { finalizers, letsGo } = next;
    if (letsGo && isUsed(claim, podInformer.lister.list(namespace))) return;
    // The cache may not show a pod that has just come.
    if (letsGo && isUsed(claim, (await podClient.list({ namespace })).items)) return;
    await claimClient.update({ ...claim, metadata: { ...claim.metadata, finalizers } });
  }

  return controller;
}

export function volumeProtectionController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const volumes = informers.informer<PersistentVolume>(persistentVolumes);
  const volumeClient = client.resource<PersistentVolume>(persistentVolumes);
  const name = 'persistentvolume-protection-controller';
  const controller = new KeyedController({ name, context, waitFor: [volumes], sync });
  const { queue } = controller;
  volumes.addHandler({ added: (one) => queue.add(objectKey(one)), updated: (one) => queue.add(objectKey(one)) });

  async function sync(volumeName: string): Promise<undefined> {
    const volume = volumes.lister.get(volumeName);
    const next = volume && nextFinalizers(volume, volumeFinalizer);
    if (!volume || !next || (next.letsGo && isBound(volume))) return;
    const { finalizers } = next;
    await volumeClient.update({ ...volume, metadata: { ...volume.metadata, finalizers } });
  }

  return controller;
}
