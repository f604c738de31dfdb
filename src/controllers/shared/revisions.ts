// The ControllerRevisions of one kind of owner: read, adopted, written.
import type { ControllerRevision } from '../../api/apps/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { LabelSelector } from '../../apimachinery/selectors/label-selector.ts';
import { ignoreNotFound, isAlreadyExists } from '../../apimachinery/status.ts';
import { controllerRevisions } from '../../client/resources.ts';
import type { Informer } from '../../client/types.ts';
import type { ControllerContext } from '../controller.ts';
import { claimObjects } from './claim.ts';
import { controlledObjects } from './controlled.ts';
import type { History } from './history.ts';
import { objectsByLabel } from './label-lookup.ts';
import { controllerOf, controllerReference, isControlledBy } from './owners.ts';
import { mustBeSame, type OwnerKind } from './pod-control.ts';
import { WriteTracker } from './write-tracker.ts';

export interface Revisions {
  readonly informer: Informer<ControllerRevision>;
  /** Has the cache yet to see writes that were made for this owner? */
  pending(ownerKey: string): boolean;
  /** Those of the owner; orphans that its selector selects are adopted. `fresh` reads the owner from the server. */
  of(
    owner: Readonly<KubeObject>,
    selector: LabelSelector | undefined,
    fresh: () => Promise<KubeObject>,
  ): Promise<Readonly<ControllerRevision>[]>;
  /** Writes what was decided. False when the name is taken by another, which asks for the next collision count. */
  write(ownerKey: string, owner: Readonly<KubeObject>, history: History): Promise<boolean>;
  delete(ownerKey: string, revision: Readonly<ControllerRevision>): Promise<void>;
}

export function createRevisions({ client, informers, clock }: ControllerContext, kind: OwnerKind): Revisions {
  const informer = informers.informer<ControllerRevision>(controllerRevisions);
  const controlled = controlledObjects(informer);
  const byLabel = objectsByLabel(informer);
  const writes = new WriteTracker<ControllerRevision>(informer, clock);
  const api = client.resource<ControllerRevision>(controllerRevisions);
  return {
    informer,
    pending: (ownerKey) => writes.pending(ownerKey),
    async of(owner, selector, fresh) {
      const present = controlled.of(owner.metadata.uid);
      const orphans = byLabel.selected(owner.metadata.namespace ?? '', selector).filter((one) => !controllerOf(one));
      const { own, adopt } = claimObjects({ owner, selector, objects: [...present, ...orphans] });
      if (adopt.length > 0) await mustBeSame(owner, fresh);
      for (const { metadata } of adopt) {
        const { name, namespace = '', uid, resourceVersion } = metadata;
        const ownerReferences = [...(metadata.ownerReferences ?? []), controllerReference(owner, kind)];
        const body = { metadata: { uid, resourceVersion, ownerReferences } };
        await api.patch({ name, namespace, type: 'merge', body });
      }
      return [...own];
    },
    async write(ownerKey, owner, { update, write }) {
      if (write === 'none') return true;
      if (write === 'renumber') {
        writes.wrote(ownerKey, await api.update(update));
        return true;
      }
      try {
        writes.wrote(ownerKey, await api.create(update));
        return true;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      const present = await api.get(update.metadata.name, update.metadata.namespace);
      return isControlledBy(present, owner) && jsonEqual(present.data, update.data);
    },
    async delete(ownerKey, revision) {
      await api.delete(revision.metadata.name, revision.metadata.namespace).catch(ignoreNotFound);
      writes.deleted(ownerKey, revision);
    },
  };
}
