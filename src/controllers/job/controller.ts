// Runs Jobs to their end.
import type { Job } from '../../api/batch/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { labelSelectorOf } from '../../apimachinery/selectors/label-selector.ts';
import { jobs } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  onEveryChange,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { objectsSelecting } from '../shared/label-lookup.ts';
import { controllerOf } from '../shared/owners.ts';
import { followPods } from '../shared/pod-changes.ts';
import { PodControl } from '../shared/pod-control.ts';
import { isPodActive } from '../shared/pods.ts';
import { slowStart } from '../shared/slow-start.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { type Failures, failuresSinceSuccess } from './failures.ts';
import { hasFinalizer, kind, podOf, trackingFinalizer } from './job-pods.ts';
import { type JobPlan, reconcile } from './reconcile.ts';

/** A Job with another spec.managedBy is somebody else's. */
const ownName = 'kubernetes.io/job-controller';

export function jobController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<Job>(jobs);
  const recorder = recorderOf(context, 'job-controller');
  const pods = new PodControl({ context, kind, recorder });
  const writes = new WriteTracker<Job>(informer, clock);
  const jobClient = client.resource<Job>(jobs);
  /** By the uid of their Job. */
  const failures = new Map<string, Failures>();

  const waitFor = [informer, pods.informer];
  const controller = new KeyedController({ name: 'job-controller', context, waitFor, sync });
  const orphans = new KeyedController({ name: 'job-controller orphans', context, waitFor, sync: releaseOrphan });
  const { queue } = controller;
  const selectorOf = ({ spec }: Readonly<Job>) => labelSelectorOf(spec.selector);
  const selecting = objectsSelecting(informer, selectorOf);
  onEveryChange(informer, (job) => queue.add(objectKey(job)));
  informer.addHandler({
    deleted: ({ metadata }) => {
      failures.delete(metadata.uid ?? '');
      for (const pod of pods.controlled.of(metadata.uid)) orphans.queue.add(objectKey(pod));
    },
  });
  followPods({ informer: pods.informer, kind, enqueue: (key) => queue.add(key), selecting });
  const seeOrphan = (pod: Readonly<Pod>) => {
    if (hasFinalizer(pod) && !jobOf(pod)) orphans.queue.add(objectKey(pod));
  };
  pods.informer.addHandler({ added: seeOrphan, updated: seeOrphan });

  /** The Job whose pod this is, if it is still there. */
  function jobOf(pod: Readonly<Pod>): Readonly<Job> | undefined {
    const owner = controllerOf(pod);
    const job = owner && informer.lister.get(owner.name, pod.metadata.namespace);
    return job?.metadata.uid === owner?.uid ? job : undefined;
  }

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const job = informer.lister.get(name, namespace);
    if (!job || (job.spec.managedBy !== undefined && job.spec.managedBy !== ownName)) return undefined;
    if (pods.pending(key) || writes.pending(key)) return { requeueAfter: 1000 };
    const claim = pods.claim(job, selectorOf(job), isPodActive);
    await pods.settle(key, job, claim, () => jobClient.get(name, namespace));
    const { uid = '' } = job.metadata;
    const seen = { now: clock.now(), known: failures.get(uid) };
    failures.set(uid, failuresSinceSuccess(job, claim.own, seen));
    const plan = reconcile({ job, pods: claim.own, now: seen.now, failures: failures.get(uid) });
    await act(key, job, plan);
    return plan.requeueAfter === undefined ? undefined : { requeueAfter: plan.requeueAfter };
  }

  async function act(key: string, job: Readonly<Job>, plan: JobPlan): Promise<void> {
    const isCounted = (pod: Readonly<Pod>) => plan.removeFinalizers.includes(pod);
    await Promise.all(
      plan.delete.map(async (pod) => {
        if (isCounted(pod)) return;
        await dropFinalizer(key, pod);
        await pods.delete(key, job, pod);
      }),
    );
    const [made] = await Promise.allSettled([
      slowStart(plan.create.length, async (i) => {
        await pods.create(key, job, podOf(job, plan.create[i] ?? {}));
      }),
    ]);
    // What has ended is counted and let go though no new pod can be made, as in a namespace that ends.
    const missing = made?.status === 'rejected' ? plan.create.length : 0;
    if (plan.status) {
      const status = { ...plan.status, active: Math.max((plan.status.active ?? 0) - missing, 0) };
      const updated = await jobClient.update({ ...jsonCopy(job), status }, { subresource: 'status' });
      writes.wrote(key, updated);
      for (const event of plan.events) recorder.event(job, event);
    }
    await Promise.all(plan.removeFinalizers.map((pod) => dropFinalizer(key, pod)));
    await Promise.all(plan.delete.filter(isCounted).map((pod) => pods.delete(key, job, pod)));
    if (made?.status === 'rejected') throw made.reason;
  }

  async function dropFinalizer(key: string, pod: Readonly<Pod>): Promise<void> {
    if (!hasFinalizer(pod)) return;
    const finalizers = (pod.metadata.finalizers ?? []).filter((one) => one !== trackingFinalizer);
    const { resourceVersion } = pod.metadata;
    await pods.patchMetadata(key, pod, { resourceVersion, finalizers });
  }

  /** Nobody counts the pods of a Job that is gone. */
  async function releaseOrphan(podKey: string): Promise<undefined> {
    const [namespace = '', name = ''] = podKey.split('/');
    const pod = pods.informer.lister.get(name, namespace);
    if (pod && hasFinalizer(pod) && !jobOf(pod)) await dropFinalizer(podKey, pod);
  }

  return {
    async run(signal) {
      await Promise.all([controller.run(signal), orphans.run(signal)]);
    },
  };
}
