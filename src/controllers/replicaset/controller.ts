// Keeps as many pods as a ReplicaSet, or a ReplicationController, wants.
import type { ReplicaSet, ReplicaSetStatus } from '../../api/apps/v1/types.generated.ts';
import type { ReplicationController } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { type GroupVersionResource, type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { labelSelectorOf } from '../../apimachinery/selectors/label-selector.ts';
import { replicaSets, replicationControllers } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  onEveryChange,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { controlledObjects } from '../shared/controlled.ts';
import { objectsSelecting } from '../shared/label-lookup.ts';
import { controllerOf } from '../shared/owners.ts';
import { followPods } from '../shared/pod-changes.ts';
import { type OwnerKind, PodControl } from '../shared/pod-control.ts';
import { podOfTemplate } from '../shared/pod-of-template.ts';
import { isPodActive, untilAvailable } from '../shared/pods.ts';
import { slowStart } from '../shared/slow-start.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { type ScaleDecision, type StatusInput, scale, statusOf } from './reconcile.ts';

/** What differs between the two kinds: the controller works on ReplicaSets. */
interface Flavour<T extends KubeObject> {
  readonly name: string;
  readonly kind: OwnerKind;
  readonly resource: GroupVersionResource;
  asReplicaSet(object: Readonly<T>): Readonly<ReplicaSet>;
  withStatus(object: Readonly<T>, status: ReplicaSetStatus): T;
}

export function replicaSetController(context: ControllerContext): Controller {
  return replicaController<ReplicaSet>(context, {
    name: 'replicaset-controller',
    kind: { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
    resource: replicaSets,
    asReplicaSet: (set) => set,
    withStatus: (set, status) => ({ ...jsonCopy(set), status }),
  });
}

export function replicationControllerController(context: ControllerContext): Controller {
  return replicaController<ReplicationController>(context, {
    name: 'replication-controller',
    kind: { apiVersion: 'v1', kind: 'ReplicationController' },
    resource: replicationControllers,
    asReplicaSet: ({ spec, status, ...rest }) => {
      const { selector, ...others } = spec;
      return { ...rest, spec: { ...others, selector: { matchLabels: { ...selector } } }, ...(status && { status }) };
    },
    withStatus(object, { terminatingReplicas: _, ...status }) {
      return { ...jsonCopy(object), status };
    },
  });
}

function replicaController<T extends KubeObject>(context: ControllerContext, flavour: Flavour<T>): Controller {
  const { client, informers, clock } = context;
  const { name: controllerName, kind, resource, asReplicaSet } = flavour;
  const setInformer = informers.informer<T>(resource);
  const siblings = controlledObjects(setInformer);
  const setWrites = new WriteTracker<T>(setInformer, clock);
  const recorder = recorderOf(context, controllerName);
  const pods = new PodControl({ context, kind, recorder });
  const setClient = client.resource<T>(resource);

  const waitFor = [setInformer, pods.informer];
  const controller = new KeyedController({ name: controllerName, context, waitFor, sync });
  const { queue } = controller;
  const selectorOf = (set: Readonly<T>) => labelSelectorOf(asReplicaSet(set).spec.selector);
  const selecting = objectsSelecting(setInformer, selectorOf);
  onEveryChange(setInformer, (set) => queue.add(objectKey(set)));
  followPods({ informer: pods.informer, kind, enqueue: (key) => queue.add(key), selecting });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const object = setInformer.lister.get(name, namespace);
    if (!object) return undefined;
    // Deciding on a cache that has not seen the last writes would make pods twice.
    if (pods.pending(key) || setWrites.pending(key)) return { requeueAfter: 1000 };
    const replicaSet = asReplicaSet(object);
    const claim = pods.claim(object, selectorOf(object), isPodActive);
    await pods.settle(key, object, claim, () => setClient.get(name, namespace));
    const now = clock.now();
    const decision = scale({ replicaSet, pods: claim.own, related: () => relatedPods(object), now });
    const failure = await act(key, object, decision);
    const input: StatusInput = { replicaSet, pods: claim.own, now, failure: failure?.condition };
    const status = statusOf(input);
    if (status) {
      const updated = await setClient.update(flavour.withStatus(object, status), { subresource: 'status' });
      setWrites.wrote(key, updated);
    }
    if (failure) throw failure.error;
    const requeueAfter = untilAvailable(claim.own, replicaSet.spec.minReadySeconds ?? 0, now);
    return { ...(requeueAfter !== undefined && { requeueAfter }), looked: claim.own.length };
  }

  /** Pods of this set and of its siblings under the same Deployment. */
  function relatedPods(set: Readonly<T>) {
    const owner = controllerOf(set)?.uid;
    if (!owner) return pods.controlled.of(set.metadata.uid);
    return siblings.of(owner).flatMap((sibling) => pods.controlled.of(sibling.metadata.uid));
  }

  async function act(key: string, set: Readonly<T>, decision: ScaleDecision) {
    const { template } = asReplicaSet(set).spec;
    try {
      await slowStart(decision.create, async () => {
        await pods.create(key, set, podOfTemplate(set, template));
      });
    } catch (error) {
      return { error, condition: { reason: 'FailedCreate' as const, message: errorMessage(error) } };
    }
    const results = await Promise.allSettled(decision.delete.map((pod) => pods.delete(key, set, pod)));
    const failed = results.find((r) => r.status === 'rejected');
    if (!failed) return undefined;
    const message = String(failed.reason.message);
    return { error: failed.reason, condition: { reason: 'FailedDelete' as const, message } };
  }

  return controller;
}
