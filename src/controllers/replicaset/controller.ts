// Keeps as many pods as a ReplicaSet wants.
import type { ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { labelSelectorOf, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';
import { isNotFound, StatusError } from '../../apimachinery/status.ts';
import { pods, replicaSets } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { createControlledPods } from '../shared/controlled-pods.ts';
import { controllerOf, controllerReference } from '../shared/owners.ts';
import { podCondition } from '../shared/pods.ts';
import { slowStart } from '../shared/slow-start.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import {
  claimPods,
  nextAvailability,
  podOf,
  type ScaleDecision,
  type StatusInput,
  scale,
  statusOf,
} from './reconcile.ts';

const kind = { apiVersion: 'apps/v1', kind: 'ReplicaSet' };

export function replicaSetController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const setInformer = informers.informer<ReplicaSet>(replicaSets);
  const podInformer = informers.informer<Pod>(pods);
  const controlled = createControlledPods(podInformer);
  const podWrites = new WriteTracker<Pod>(podInformer, clock);
  const setWrites = new WriteTracker<ReplicaSet>(setInformer, clock);
  const recorder = recorderOf(context, 'replicaset-controller');
  const setClient = client.resource<ReplicaSet>(replicaSets);
  const podClient = client.resource<Pod>(pods);

  const waitFor = [setInformer, podInformer];
  const controller = new KeyedController({ name: 'replicaset-controller', context, waitFor, sync });
  const { queue } = controller;
  const enqueue = (object: Readonly<ReplicaSet>) => queue.add(objectKey(object));
  setInformer.addHandler({ added: enqueue, updated: enqueue, deleted: enqueue });
  const enqueueOwner = (pod: Readonly<Pod>) => {
    const { namespace = '' } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner) {
      if (owner.kind === kind.kind && owner.apiVersion === kind.apiVersion) queue.add(`${namespace}/${owner.name}`);
      return;
    }
    for (const set of setInformer.lister.list(namespace)) {
      const selector = labelSelectorOf(set.spec.selector);
      if (selector && matchesLabels(selector, pod.metadata.labels)) enqueue(set);
    }
  };
  podInformer.addHandler({
    added: enqueueOwner,
    updated(pod, old) {
      if (!matters(pod, old)) return;
      enqueueOwner(pod);
      if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) enqueueOwner(old);
    },
    deleted: enqueueOwner,
  });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const replicaSet = setInformer.lister.get(name, namespace);
    if (!replicaSet) return undefined;
    // Deciding on a cache that has not seen the last writes would make pods twice.
    if (podWrites.pending(key) || setWrites.pending(key)) return { requeueAfter: 1000 };
    const claim = claimPods(replicaSet, [...controlled.of(replicaSet.metadata.uid), ...controlled.orphans(namespace)]);
    if (claim.adopt.length + claim.release.length > 0) await changeOwners(key, replicaSet, claim);
    const now = clock.now();
    const decision = scale({ replicaSet, pods: claim.pods, related: () => relatedPods(replicaSet), now });
    const failure = await act(key, replicaSet, decision);
    const input: StatusInput = { replicaSet, pods: claim.pods, now, failure: failure?.condition };
    const status = statusOf(input);
    if (status) {
      const updated = await setClient.update({ ...jsonCopy(replicaSet), status }, { subresource: 'status' });
      setWrites.wrote(key, updated);
    }
    if (failure) throw failure.error;
    const requeueAfter = nextAvailability(input);
    return requeueAfter === undefined ? undefined : { requeueAfter };
  }

  async function changeOwners(key: string, set: Readonly<ReplicaSet>, claim: ReturnType<typeof claimPods>) {
    if (claim.adopt.length > 0) {
      // The cache may not know yet that the ReplicaSet was deleted and made anew.
      const fresh = await setClient.get(set.metadata.name, set.metadata.namespace);
      if (fresh.metadata.uid !== set.metadata.uid || fresh.metadata.deletionTimestamp)
        throw new Error('the owner has changed');
    }
    const own = controllerReference(set, kind);
    const others = (pod: Readonly<Pod>) => (pod.metadata.ownerReferences ?? []).filter((r) => r.uid !== own.uid);
    for (const pod of claim.adopt) podWrites.wrote(key, await patchOwners(pod, [...others(pod), own]));
    for (const pod of claim.release) podWrites.wrote(key, await patchOwners(pod, others(pod)));
  }

  function patchOwners(pod: Readonly<Pod>, ownerReferences: unknown[]): Promise<Pod> {
    const { name, namespace = '', uid } = pod.metadata;
    return podClient.patch({ name, namespace, type: 'merge', body: { metadata: { uid, ownerReferences } } });
  }

  /** Pods of this ReplicaSet and of its siblings under the same Deployment. */
  function relatedPods(set: Readonly<ReplicaSet>): Readonly<Pod>[] {
    const owner = controllerOf(set)?.uid;
    if (!owner) return controlled.of(set.metadata.uid);
    return setInformer.lister
      .list(set.metadata.namespace)
      .filter((sibling) => controllerOf(sibling)?.uid === owner)
      .flatMap((sibling) => controlled.of(sibling.metadata.uid));
  }

  async function act(key: string, set: Readonly<ReplicaSet>, decision: ScaleDecision) {
    try {
      await slowStart(decision.create, () => createPod(key, set));
    } catch (error) {
      const message = (error as Error).message;
      return { error, condition: { reason: 'FailedCreate' as const, message } };
    }
    const results = await Promise.allSettled(decision.delete.map((pod) => deletePod(key, set, pod)));
    const failed = results.find((r) => r.status === 'rejected');
    if (!failed) return undefined;
    return {
      error: failed.reason,
      condition: { reason: 'FailedDelete' as const, message: String(failed.reason.message) },
    };
  }

  async function createPod(key: string, set: Readonly<ReplicaSet>): Promise<void> {
    const pod = podOf(set);
    pod.metadata.ownerReferences = [controllerReference(set, kind)];
    try {
      const created = await podClient.create(pod);
      podWrites.wrote(key, created);
      const message = `Created pod: ${created.metadata.name}`;
      recorder.event({ ...set, ...kind }, { type: 'Normal', reason: 'SuccessfulCreate', message });
    } catch (error) {
      if (isTerminating(error)) throw error;
      const message = `Error creating: ${(error as Error).message}`;
      recorder.event({ ...set, ...kind }, { type: 'Warning', reason: 'FailedCreate', message });
      throw error;
    }
  }

  async function deletePod(key: string, set: Readonly<ReplicaSet>, pod: Readonly<Pod>): Promise<void> {
    try {
      await podClient.delete(pod.metadata.name, pod.metadata.namespace);
      podWrites.deleted(key, pod);
      const message = `Deleted pod: ${pod.metadata.name}`;
      recorder.event({ ...set, ...kind }, { type: 'Normal', reason: 'SuccessfulDelete', message });
    } catch (error) {
      if (isNotFound(error)) return;
      const message = `Error deleting: ${(error as Error).message}`;
      recorder.event({ ...set, ...kind }, { type: 'Warning', reason: 'FailedDelete', message });
      throw error;
    }
  }

  return controller;
}

/** Most changes of a pod (its node, its addresses, its containers) are nothing to a ReplicaSet. */
function matters(pod: Readonly<Pod>, old: Readonly<Pod>): boolean {
  return (
    pod.status?.phase !== old.status?.phase ||
    pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp ||
    !jsonEqual(podCondition(pod, 'Ready'), podCondition(old, 'Ready')) ||
    !jsonEqual(pod.metadata.labels, old.metadata.labels) ||
    !jsonEqual(pod.metadata.ownerReferences, old.metadata.ownerReferences)
  );
}

/** The namespace is going away: no use to say so for each pod. */
function isTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
  );
}
