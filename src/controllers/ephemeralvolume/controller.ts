// Makes the claims of pods' generic ephemeral volumes; they are the pod's, so the garbage collector takes them away with it.
import { claimNameOf } from '../../api/core/v1/pod/facts.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { isAlreadyExists } from '../../apimachinery/status.ts';
import { persistentVolumeClaims, pods } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, recorderOf } from '../controller.ts';
import { reconcile } from './reconcile.ts';

export function ephemeralVolumeController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const podInformer = informers.informer<Pod>(pods);
  const claimInformer = informers.informer<PersistentVolumeClaim>(persistentVolumeClaims);
  const claims = client.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const recorder = recorderOf(context, 'ephemeral_volume');
  const waitFor = [podInformer, claimInformer];
  const controller = new KeyedController({ name: 'ephemeral-volume-controller', context, waitFor, sync });
  podInformer.addHandler({
    added(pod) {
      if (pod.spec.volumes?.some(({ ephemeral }) => ephemeral)) controller.queue.add(objectKey(pod));
    },
  });
  claimInformer.addHandler({
    // One that stood in the way, or that somebody took from a pod, has gone.
    deleted({ metadata }) {
      for (const pod of podInformer.lister.list(metadata.namespace)) {
        const uses = pod.spec.volumes?.some((v) => v.ephemeral && claimNameOf(pod, v) === metadata.name);
        if (uses) controller.queue.add(objectKey(pod));
      }
    },
  });

  async function sync(key: string): Promise<undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const pod = podInformer.lister.get(name, namespace);
    if (!pod) return;
    const { create, conflicts } = reconcile(pod, (claim) => claimInformer.lister.get(claim, namespace));
    for (const message of conflicts) recorder.event(pod, { type: 'Warning', reason: 'FailedBinding', message });
    for (const { volume, claim } of create) {
      await claims.create(claim).catch((error: unknown) => {
        if (!isAlreadyExists(error)) {
          const message = `ephemeral volume ${volume}: create PVC ${claim.metadata.name}: ${errorMessage(error)}`;
          recorder.event(pod, { type: 'Warning', reason: 'FailedBinding', message });
          throw error;
        }
        // Whose it is, the next look decides.
        controller.queue.addRateLimited(key);
      });
    }
    // As upstream, tried until the claim is the pod's or the pod has gone.
    if (conflicts.length > 0) throw new Error(conflicts.join('; '));
  }

  return controller;
}
