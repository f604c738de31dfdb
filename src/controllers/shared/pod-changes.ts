// When the controllers of pods have to look: at which changes of a pod, and for whom.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { Informer } from '../../client/types.ts';
import type { SelectorsOf } from './label-lookup.ts';
import { controllerOf } from './owners.ts';
import type { OwnerKind } from './pod-control.ts';
import { podCondition } from './pods.ts';

export interface FollowPodsOptions {
  readonly informer: Informer<Pod>;
  readonly kind: OwnerKind;
  readonly enqueue: (ownerKey: string) => void;
  /** Owners that would adopt a pod that nobody controls. */
  readonly selecting: SelectorsOf;
  /** Which changes count. Default {@link podMatters}. */
  readonly matters?: (pod: Readonly<Pod>, old: Readonly<Pod>) => boolean;
}

/** Calls `enqueue` for the owner of each pod that comes, goes or changes. */
export function followPods({ informer, kind, enqueue, selecting, matters = podMatters }: FollowPodsOptions): void {
  const enqueueOwner = (pod: Readonly<Pod>) => {
    const { namespace = '', labels } = pod.metadata;
    const owner = controllerOf(pod);
    if (!owner) for (const key of selecting(namespace, labels)) enqueue(key);
    else if (owner.kind === kind.kind && owner.apiVersion === kind.apiVersion) enqueue(`${namespace}/${owner.name}`);
  };
  informer.addHandler({
    added: enqueueOwner,
    updated(pod, old) {
      if (!matters(pod, old)) return;
      enqueueOwner(pod);
      if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) enqueueOwner(old);
    },
    deleted: enqueueOwner,
  });
}

/** Most changes of a pod (its node, its addresses, its containers) are nothing to a workload. */
function podMatters(pod: Readonly<Pod>, old: Readonly<Pod>): boolean {
  return (
    pod.status?.phase !== old.status?.phase ||
    pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp ||
    !jsonEqual(podCondition(pod, 'Ready'), podCondition(old, 'Ready')) ||
    !jsonEqual(pod.metadata.labels, old.metadata.labels) ||
    !jsonEqual(pod.metadata.finalizers, old.metadata.finalizers) ||
    !jsonEqual(pod.metadata.ownerReferences, old.metadata.ownerReferences)
  );
}
