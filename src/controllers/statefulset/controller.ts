// Keeps the pods of StatefulSets, each with its name and its claims.
import type { StatefulSet } from '../../api/apps/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { labelSelectorOf } from '../../apimachinery/selectors/label-selector.ts';
import { isAlreadyExists } from '../../apimachinery/status.ts';
import { statefulSets } from '../../client/resources.ts';
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
import { type Narrator, PodControl } from '../shared/pod-control.ts';
import { untilAvailable } from '../shared/pods.ts';
import { createRevisions } from '../shared/revisions.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { ClaimControl } from './claim-control.ts';
import { kind, ordinalOf, revisionOf } from './identity.ts';
import { reconcile, type StatefulSetPlan } from './reconcile.ts';

/** Upstream's stateful_pod_control. */
const narrator: Narrator = ({ verb, pod, owner, error }) => {
  const what = `${verb} Pod ${pod} in StatefulSet ${owner.metadata.name}`;
  const reason = verb === 'create' ? 'Create' : 'Delete';
  if (error === undefined) return { type: 'Normal', reason: `Successful${reason}`, message: `${what} successful` };
  return { type: 'Warning', reason: `Failed${reason}`, message: `${what} failed error: ${errorMessage(error)}` };
};

export function statefulSetController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<StatefulSet>(statefulSets);
  const recorder = recorderOf(context, 'statefulset-controller');
  const pods = new PodControl({ context, kind, recorder, narrator });
  const claims = new ClaimControl(context, recorder);
  const revisions = createRevisions(context, kind);
  const writes = new WriteTracker<StatefulSet>(informer, clock);
  const setClient = client.resource<StatefulSet>(statefulSets);

  const waitFor = [informer, pods.informer, revisions.informer, claims.informer];
  const controller = new KeyedController({ name: 'statefulset-controller', context, waitFor, sync });
  const { queue } = controller;
  const selectorOf = ({ spec }: Readonly<StatefulSet>) => labelSelectorOf(spec.selector);
  onEveryChange(informer, (set) => queue.add(objectKey(set)));
  const selecting = objectsSelecting(informer, selectorOf);
  followPods({ informer: pods.informer, kind, enqueue: (key) => queue.add(key), selecting });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const set = informer.lister.get(name, namespace);
    if (!set) return undefined;
    if (pods.pending(key) || writes.pending(key) || revisions.pending(key)) return { requeueAfter: 1000 };
    const fresh = () => setClient.get(name, namespace);
    const claim = pods.claim(set, selectorOf(set), (pod) => ordinalOf(set, pod) >= 0);
    await pods.settle(key, set, claim, fresh);
    const owned = await revisions.of(set, selectorOf(set), fresh);
    const collisionCount = set.status?.collisionCount;
    const hashLabel = 'controller.kubernetes.io/hash';
    const history = decideHistory({ owner: set, kind, hashLabel, revisions: owned, collisionCount });
    if (!(await revisions.write(key, set, history))) {
      await writeStatus(key, set, {
        ...set.status,
        replicas: set.status?.replicas ?? 0,
        collisionCount: (collisionCount ?? 0) + 1,
      });
      return undefined;
    }
    const current = owned.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? history.update;
    const now = clock.now();
    const input = { set, current, update: history.update, pods: claim.own, now, collisionCount };
    const plan = reconcile(input);
    await act(key, set, plan);
    const used = new Set([current.metadata.name, ...claim.own.map(revisionOf)]);
    const limit = set.spec.revisionHistoryLimit ?? 10;
    for (const revision of surplusRevisions(history.old, limit, ({ metadata }) => used.has(metadata.name))) {
      await revisions.delete(key, revision);
    }
    const requeueAfter = untilAvailable(claim.own, set.spec.minReadySeconds ?? 0, now);
    return requeueAfter === undefined ? undefined : { requeueAfter };
  }

  async function act(key: string, set: Readonly<StatefulSet>, plan: StatefulSetPlan): Promise<void> {
    for (const { reason, message } of plan.events) {
      recorder.event(set, { type: 'Warning', reason, message });
    }
    for (const { pod, labels } of plan.label) await pods.patchMetadata(key, pod, { labels });
    for (const pod of plan.keepClaims) await claims.keep(set, pod);
    const results = await Promise.allSettled([
      ...plan.create.map(async (pod) => {
        await claims.make(set, pod);
        await create(key, set, pod);
      }),
      ...plan.delete.map((pod) => pods.delete(key, set, pod)),
    ]);
    if (plan.status) await writeStatus(key, set, plan.status);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** A pod of that name that is there already is ours to see, not to make twice. */
  async function create(key: string, set: Readonly<StatefulSet>, pod: Pod): Promise<void> {
    try {
      await pods.create(key, set, pod);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  async function writeStatus(key: string, set: Readonly<StatefulSet>, status: NonNullable<StatefulSet['status']>) {
    writes.wrote(key, await setClient.update({ ...jsonCopy(set), status }, { subresource: 'status' }));
  }

  return controller;
}
