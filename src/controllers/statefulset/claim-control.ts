// Makes the claims of a StatefulSet's pods, and keeps to whom they belong.
import type { StatefulSet } from '../../api/apps/v1/types.generated.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { isAlreadyExists } from '../../apimachinery/status.ts';
import type { EventRecorder } from '../../client/events.ts';
import { persistentVolumeClaims } from '../../client/resources.ts';
import type { Informer, ResourceClient } from '../../client/types.ts';
import type { ControllerContext } from '../controller.ts';
import { claimNames, claimOwners, claimsOf, ordinalOf } from './identity.ts';

export class ClaimControl {
  /** To wait for before work begins: claims are looked up here. */
  readonly informer: Informer<PersistentVolumeClaim>;
  readonly #client: ResourceClient<PersistentVolumeClaim>;
  readonly #recorder: EventRecorder;

  constructor({ client, informers }: ControllerContext, recorder: EventRecorder) {
    this.informer = informers.informer<PersistentVolumeClaim>(persistentVolumeClaims);
    this.#client = client.resource<PersistentVolumeClaim>(persistentVolumeClaims);
    this.#recorder = recorder;
  }

  /** Makes the claims that the pod lacks. Rejects where one of them is on its way out: the pod has to wait. */
  async make(set: Readonly<StatefulSet>, pod: Readonly<Pod>): Promise<void> {
    for (const claim of claimsOf(set, ordinalOf(set, pod))) {
      const { name, namespace = '' } = claim.metadata;
      const present = this.informer.lister.get(name, namespace);
      if (present?.metadata.deletionTimestamp) throw new Error(`pvc ${name} is being deleted`);
      if (present) continue;
      const what = `create Claim ${name} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
      try {
        await this.#client.create(claim);
      } catch (error) {
        if (isAlreadyExists(error)) continue;
        const message = `${what} failed error: ${errorMessage(error)}`;
        this.#recorder.event(set, { type: 'Warning', reason: 'FailedCreate', message });
        throw error;
      }
      const message = `${what} success`;
      this.#recorder.event(set, { type: 'Normal', reason: 'SuccessfulCreate', message });
    }
  }

  /** Claims that a pending pod still lacks, and whom claims go with. */
  async keep(set: Readonly<StatefulSet>, pod: Readonly<Pod>): Promise<void> {
    if (pod.status?.phase === 'Pending' && !pod.metadata.deletionTimestamp) await this.make(set, pod);
    for (const { claimName } of claimNames(set, ordinalOf(set, pod))) {
      const claim = this.informer.lister.get(claimName, set.metadata.namespace);
      const ownerReferences = claim && !claim.metadata.deletionTimestamp && claimOwners(set, claim, pod);
      if (!claim || !ownerReferences) continue;
      const { name, namespace = '', uid, resourceVersion } = claim.metadata;
      const body = { metadata: { uid, resourceVersion, ownerReferences } };
      await this.#client.patch({ name, namespace, type: 'merge', body });
    }
  }
}
