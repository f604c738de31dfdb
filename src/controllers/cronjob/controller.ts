// Makes Jobs when CronJobs say so.
import type { CronJob, CronJobStatus, Job } from '../../api/batch/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/status.ts';
import { referenceTo } from '../../client/events.ts';
import { cronJobs, jobs } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  onEveryChange,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { controlledObjects } from '../shared/controlled.ts';
import { controllerOf, isControlledBy } from '../shared/owners.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { whenTimeIsSet } from '../shared/time-set.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { type CronJobPlan, kind, reconcile } from './reconcile.ts';

export function cronJobController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<CronJob>(cronJobs);
  const jobInformer = informers.informer<Job>(jobs);
  const owned = controlledObjects(jobInformer);
  const writes = new WriteTracker<CronJob>(informer, clock);
  const jobWrites = new WriteTracker<Job>(jobInformer, clock);
  const recorder = recorderOf(context, 'cronjob-controller');
  const cronClient = client.resource<CronJob>(cronJobs);
  const jobClient = client.resource<Job>(jobs);

  const waitFor = [informer, jobInformer];
  const controller = new KeyedController({ name: 'cronjob-controller', context, waitFor, sync });
  const { queue } = controller;
  onEveryChange(informer, (cronJob) => queue.add(objectKey(cronJob)));
  onEveryChange(jobInformer, (job) => {
    const owner = controllerOf(job);
    if (owner?.kind === kind.kind) queue.add(`${job.metadata.namespace}/${owner.name}`);
  });

  async function sync(key: string): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const cronJob = informer.lister.get(name, namespace);
    if (!cronJob) return undefined;
    if (writes.pending(key) || jobWrites.pending(key)) return { requeueAfter: 1000 };
    const plan = reconcile({ cronJob, jobs: owned.of(cronJob.metadata.uid), now: clock.now() });
    await act(key, cronJob, plan);
    return plan.requeueAfter === undefined ? undefined : { requeueAfter: plan.requeueAfter };
  }

  async function act(key: string, cronJob: Readonly<CronJob>, plan: CronJobPlan): Promise<void> {
    for (const event of plan.events) recorder.event(cronJob, event);
    for (const job of [...plan.forget, ...plan.replace]) await deleteJob(key, cronJob, job);
    const created = plan.create && (await createJob(key, cronJob, plan.create));
    if (plan.create && !created) return;
    const status: CronJobStatus | undefined = created
      ? { ...plan.status, active: [...(plan.status?.active ?? []), referenceTo(created)] }
      : plan.status;
    if (!status || jsonEqual(status, cronJob.status)) return;
    const updated = await cronClient.update({ ...jsonCopy(cronJob), status }, { subresource: 'status' });
    writes.wrote(key, updated);
  }

  async function deleteJob(key: string, cronJob: Readonly<CronJob>, job: Readonly<Job>): Promise<void> {
    const { name, namespace } = job.metadata;
    try {
      await jobClient.delete(name, namespace, { propagationPolicy: 'Background' });
      jobWrites.deleted(key, job);
      const message = `Deleted job ${name}`;
      recorder.event(cronJob, { type: 'Normal', reason: 'SuccessfulDelete', message });
    } catch (error) {
      if (isNotFound(error)) return;
      const message = `Deleted job: ${errorMessage(error)}`;
      recorder.event(cronJob, { type: 'Warning', reason: 'FailedDelete', message });
      throw error;
    }
  }

  /** The Job of this time; undefined when its name is another's. */
  async function createJob(key: string, cronJob: Readonly<CronJob>, job: Job): Promise<Job | undefined> {
    try {
      const created = await jobClient.create(job);
      jobWrites.wrote(key, created);
      const message = `Created job ${created.metadata.name}`;
      recorder.event(cronJob, { type: 'Normal', reason: 'SuccessfulCreate', message });
      return created;
    } catch (error) {
      if (isAlreadyExists(error)) {
        const present = await jobClient.get(job.metadata.name, job.metadata.namespace);
        return isControlledBy(present, cronJob) ? present : undefined;
      }
      if (!isNamespaceTerminating(error)) {
        const message = `Error creating job: ${errorMessage(error)}`;
        recorder.event(cronJob, { type: 'Warning', reason: 'FailedCreate', message });
      }
      throw error;
    }
  }

  const lookAgain = () => {
    for (const cronJob of informer.lister.list()) queue.add(objectKey(cronJob));
  };
  return {
    async run(signal) {
      await Promise.all([controller.run(signal), whenTimeIsSet(clock, lookAgain, signal)]);
    },
  };
}
