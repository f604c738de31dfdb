// Keeps one pod of a DaemonSet on every node that it is meant for.
import type { ControllerRevision, DaemonSet } from '../../api/apps/v1/types.generated.ts';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { labelSelectorOf } from '../../apimachinery/selectors/label-selector.ts';
import { daemonSets, nodes } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  onEveryChange,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { decideHistory, surplusRevisions } from '../shared/history.ts';
import { objectsSelecting } from '../shared/label-lookup.ts';
import { followPods } from '../shared/pod-changes.ts';
import { PodControl } from '../shared/pod-control.ts';
import { untilAvailable } from '../shared/pods.ts';
import { createRevisions } from '../shared/revisions.ts';
import { slowStart } from '../shared/slow-start.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import type { FailedPod } from './failed-pods.ts';
import { hashLabel, kind, placeOn, podOf } from './pods.ts';
import { type DaemonSetPlan, reconcile } from './reconcile.ts';

export function daemonSetController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<DaemonSet>(daemonSets);
  const nodeInformer = informers.informer<Node>(nodes);
  const recorder = recorderOf(context, 'daemonset-controller');
  const pods = new PodControl({ context, kind, recorder });
  const revisions = createRevisions(context, kind);
  const writes = new WriteTracker<DaemonSet>(informer, clock);
  const setClient = client.resource<DaemonSet>(daemonSets);

  const waitFor = [informer, nodeInformer, pods.informer, revisions.informer];
  const controller = new KeyedController({ name: 'daemonset-controller', context, waitFor, sync, workers: 2 });
  const { queue } = controller;
  const selectorOf = ({ spec }: Readonly<DaemonSet>) => labelSelectorOf(spec.selector);
  /** By the uid of their set. */
  const failedPods = new Map<string, { readonly generation: number; readonly byNode: Map<string, FailedPod> }>();
  informer.addHandler({ deleted: ({ metadata }) => failedPods.delete(metadata.uid ?? '') });
  onEveryChange(informer, (set) => queue.add(objectKey(set)));
  const selecting = objectsSelecting(informer, selectorOf);
  followPods({ informer: pods.informer, kind, enqueue: (key) => queue.add(key), selecting });
  const enqueueFor = (node: Readonly<Node>) => {
    for (const set of informer.lister.list()) if (placeOn(set, node).mayStay) queue.add(objectKey(set));
  };
  nodeInformer.addHandler({
    added: enqueueFor,
    updated(node, old) {
      // Heartbeats are nothing to a DaemonSet.
      if (jsonEqual([node.metadata.labels, node.spec], [old.metadata.labels, old.spec])) return;
      for (const set of informer.lister.list()) {
        if (!jsonEqual(placeOn(set, node), placeOn(set, old))) queue.add(objectKey(set));
      }
    },
    deleted: enqueueFor,
  });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const set = informer.lister.get(name, namespace);
    // The revisions of one that is being deleted go, or are nobody's: without them there is nothing to decide.
    if (!set || set.metadata.deletionTimestamp) return undefined;
    if (pods.pending(key) || writes.pending(key) || revisions.pending(key)) return { requeueAfter: 1000 };
    const fresh = () => setClient.get(name, namespace);
    const claim = pods.claim(set, selectorOf(set));
    await pods.settle(key, set, claim, fresh);
    const owned = await revisions.of(set, selectorOf(set), fresh);
    const collisionCount = set.status?.collisionCount;
    const history = decideHistory({ owner: set, kind, hashLabel, revisions: owned, collisionCount });
    if (!(await revisions.write(key, set, history))) {
      await writeStatus(key, set, { ...zeroStatus, ...set.status, collisionCount: (collisionCount ?? 0) + 1 });
      return undefined;
    }
    const hash = hashOf(history.update);
    const now = clock.now();
    const nodeList = nodeInformer.lister.list();
    const failed = { byNode: failedPodsOf(set), at: clock.monotonic() };
    const plan = reconcile({ set, nodes: nodeList, pods: claim.own, hash, now, collisionCount, failed });
    for (const [node, pod] of plan.failed) failed.byNode.set(node, pod);
    await act(key, set, plan, hash);
    const used = new Set(claim.own.map((pod) => pod.metadata.labels?.[hashLabel]));
    const limit = set.spec.revisionHistoryLimit ?? 10;
    for (const revision of surplusRevisions(history.old, limit, (one) => used.has(hashOf(one)))) {
      await revisions.delete(key, revision);
    }
    const available = untilAvailable(claim.own, set.spec.minReadySeconds ?? 0, now);
    const waits = [available, plan.requeueAfter].filter((wait) => wait !== undefined);
    return waits.length > 0 ? { requeueAfter: Math.min(...waits) } : undefined;
  }

  /** A changed set begins anew. */
  function failedPodsOf({ metadata, status }: Readonly<DaemonSet>): Map<string, FailedPod> {
    const { uid = '' } = metadata;
    const generation = status?.observedGeneration ?? 0;
    const known = failedPods.get(uid);
    if (known?.generation === generation) return known.byNode;
    const byNode = new Map<string, FailedPod>();
    failedPods.set(uid, { generation, byNode });
    return byNode;
  }

  async function act(key: string, set: Readonly<DaemonSet>, plan: DaemonSetPlan, hash: string): Promise<void> {
    for (const { reason, message } of plan.events) {
      recorder.event(
        { ...set, ...kind },
        { type: reason.startsWith('Failed') ? 'Warning' : 'Normal', reason, message },
      );
    }
    const [made, ...ended] = await Promise.allSettled([
      slowStart(plan.create.length, async (i) => {
        await pods.create(key, set, podOf(set, plan.create[i] ?? '', hash));
      }),
      ...plan.delete.map((pod) => pods.delete(key, set, pod)),
    ]);
    if (plan.status) await writeStatus(key, set, plan.status);
    const failed = [made, ...ended].find((result) => result?.status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  async function writeStatus(key: string, set: Readonly<DaemonSet>, status: NonNullable<DaemonSet['status']>) {
    writes.wrote(key, await setClient.update({ ...jsonCopy(set), status }, { subresource: 'status' }));
  }

  return controller;
}

const zeroStatus = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };

function hashOf(revision: Readonly<ControllerRevision>): string {
  return revision.metadata.labels?.[hashLabel] ?? '';
}
