// What a Job does next (upstream pkg/controller/job): pure.
import { finishedCondition } from '../../api/batch/v1/job/facts.ts';
import type { Job, JobCondition, JobStatus } from '../../api/batch/v1/types.generated.ts';
import { isPodReady } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { EventText } from '../../client/events.ts';
import { sameStatus } from '../shared/same-status.ts';
import type { Failures } from './failures.ts';
import { formatIndexes } from './indexes.ts';
import { hasFinalizer, isIndexed, type PodToMake } from './job-pods.ts';
import { judgeSuccess } from './policies.ts';
import { type Replicas, replicasOf } from './replicas.ts';
import { letGo, type Tally, tallyUp } from './tally.ts';

export interface JobInput {
  readonly job: Readonly<Job>;
  /** Claimed pods. */
  readonly pods: readonly Readonly<Pod>[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of earlier looks: their pods may be gone. Default: none. */
  readonly failures?: Failures | undefined;
}

export interface JobPlan {
  readonly create: readonly PodToMake[];
  /** Their finalizers go first, for an end that the Job wants is no failure; unless they are among `removeFinalizers`. */
  readonly delete: readonly Readonly<Pod>[];
  /** Written before finalizers go. Undefined when the present one is right. */
  readonly status: JobStatus | undefined;
  readonly removeFinalizers: readonly Readonly<Pod>[];
  readonly events: readonly EventText[];
  /** Milliseconds. */
  readonly requeueAfter: number | undefined;
}

/** A condition that the Job comes to. */
interface Told {
  readonly type: string;
  readonly status?: string;
  readonly reason: string;
  readonly message: string;
}

function hasCondition({ status }: Readonly<Job>, type: string): boolean {
  return status?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
}

export function reconcile(input: JobInput): JobPlan {
  const { job, pods } = input;
  if (finishedCondition(job)) {
    const removeFinalizers = pods.filter(hasFinalizer);
    return { create: [], delete: [], status: undefined, removeFinalizers, events: [], requeueAfter: undefined };
  }
  const soFar = tallyUp(job, pods);
  const target = targetOf(input, soFar);
  const idle = { create: [], delete: [], requeueAfter: undefined };
  const deleting = job.metadata.deletionTimestamp !== undefined;
  const fails = target?.type === 'FailureTarget';
  const tally = target || deleting ? letGo(job, pods, { tally: soFar, fails }) : soFar;
  let replicas: Replicas = idle;
  if (target) replicas = { ...idle, delete: tally.active };
  else if (!deleting) replicas = replicasOf(input, tally);
  const removeFinalizers = tally.done;
  const { status, events } = statusOf(input, { tally, target, replicas });
  const deadline = target || deleting ? undefined : untilDeadline(input);
  const waits = [replicas.requeueAfter, deadline].filter((wait) => wait !== undefined);
  const requeueAfter = waits.length > 0 ? Math.min(...waits) : undefined;
  return { ...replicas, status, removeFinalizers, events, requeueAfter };
}

/** FailureTarget or SuccessCriteriaMet: the Job is decided, though its pods may still be ending. */
function targetOf(input: JobInput, tally: Tally): Told | undefined {
  const { job } = input;
  const decided = job.status?.conditions?.find(
    (c) => (c.type === 'FailureTarget' || c.type === 'SuccessCriteriaMet') && c.status === 'True',
  );
  if (decided) return { type: decided.type, reason: decided.reason ?? '', message: decided.message ?? '' };
  const failure = failureOf(input, tally);
  if (failure) return { type: 'FailureTarget', ...failure };
  const early = judgeSuccess(job, tally.succeededIndexes);
  if (early !== undefined) return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: early };
  if (!isComplete(job, tally)) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message };
}

function isComplete({ spec }: Readonly<Job>, { totalSucceeded, active }: Tally): boolean {
  if (active.length > 0) return false;
  return spec.completions === undefined ? totalSucceeded > 0 : totalSucceeded >= spec.completions;
}

function failureOf({ job, pods, now }: JobInput, tally: Tally): Omit<Told, 'type'> | undefined {
  const { spec, status } = job;
  if (tally.failJob !== undefined) return { reason: 'PodFailurePolicy', message: tally.failJob };
  const limit = spec.backoffLimit ?? 6;
  if (tally.totalFailed > limit || tooManyRestarts(job, pods)) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const { activeDeadlineSeconds } = spec;
  if (activeDeadlineSeconds !== undefined && !spec.suspend && status?.startTime !== undefined) {
    if (Date.parse(status.startTime) + activeDeadlineSeconds * 1000 <= now) {
      return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
    }
  }
  const failed = tally.failedIndexes.size;
  if (spec.maxFailedIndexes !== undefined && failed > spec.maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return { reason: 'MaxFailedIndexesExceeded', message };
  }
  if (failed > 0 && failed + tally.succeededIndexes.size >= (spec.completions ?? 0)) {
    return { reason: 'FailedIndexes', message: 'Job has failed indexes' };
  }
  return undefined;
}

/** With restartPolicy OnFailure the kubelet tries again, and its tries count. */
function tooManyRestarts({ spec }: Readonly<Job>, pods: readonly Readonly<Pod>[]): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    restarts += statuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
  }
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

interface Decided {
  readonly tally: Tally;
  readonly target: Told | undefined;
  readonly replicas: Replicas;
}

function statusOf(input: JobInput, { tally, target, replicas }: Decided) {
  const { job, now } = input;
  const old = job.status ?? {};
  const events: EventText[] = [];
  const conditions = [...(old.conditions ?? [])];
  const active = tally.active.filter((pod) => !replicas.delete.includes(pod));
  const ending = tally.terminating.length + replicas.delete.length;
  const hasUncounted = tally.uncounted.succeeded.length + tally.uncounted.failed.length > 0;
  const status: JobStatus = {
    ...old,
    active: active.length + replicas.create.length,
    ready: active.filter(isPodReady).length,
    terminating: ending,
    succeeded: tally.succeeded,
    failed: tally.failed,
    uncountedTerminatedPods: {
      ...(tally.uncounted.succeeded.length > 0 && { succeeded: [...tally.uncounted.succeeded] }),
      ...(tally.uncounted.failed.length > 0 && { failed: [...tally.uncounted.failed] }),
    },
  };
  if (isIndexed(job)) {
    status.completedIndexes = formatIndexes(tally.succeededIndexes);
    if (job.spec.backoffLimitPerIndex !== undefined) status.failedIndexes = formatIndexes(tally.failedIndexes);
  }
  if (!job.spec.suspend) status.startTime ??= formatTime(now);
  if (target) {
    setCondition(conditions, target, now);
    if (!hasUncounted && ending === 0 && tally.done.length === 0) {
      events.push(finish(status, conditions, target, now));
    }
  } else if (job.metadata.deletionTimestamp === undefined) {
    suspendOrResume(job, { status, conditions, events, now });
  }
  status.conditions = conditions;
  return { status: sameStatus(status, old) ? undefined : status, events };
}

function finish(status: JobStatus, conditions: JobCondition[], target: Told, now: number): EventText {
  const { reason, message } = target;
  if (target.type === 'FailureTarget') {
    setCondition(conditions, { type: 'Failed', reason, message }, now);
    return { type: 'Warning', reason, message };
  }
  setCondition(conditions, { type: 'Complete', reason, message }, now);
  status.completionTime = formatTime(now);
  return { type: 'Normal', reason: 'Completed', message: 'Job completed' };
}

interface Changing {
  readonly status: JobStatus;
  readonly conditions: JobCondition[];
  readonly events: EventText[];
  readonly now: number;
}

function suspendOrResume(job: Readonly<Job>, { status, conditions, events, now }: Changing): void {
  const suspended = hasCondition(job, 'Suspended');
  // It starts anew when it is resumed; until then its template may be told where its pods go.
  if (job.spec.suspend) delete status.startTime;
  if (job.spec.suspend && !suspended) {
    setCondition(conditions, { type: 'Suspended', reason: 'JobSuspended', message: 'Job suspended' }, now);
    events.push({ type: 'Normal', reason: 'Suspended', message: 'Job suspended' });
  } else if (!job.spec.suspend && suspended) {
    const told = { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' };
    setCondition(conditions, told, now);
    events.push({ type: 'Normal', reason: 'Resumed', message: 'Job resumed' });
    // Deadlines count from here.
    status.startTime = formatTime(now);
  }
}

function setCondition(conditions: JobCondition[], told: Told, now: number): void {
  const { type, status = 'True', reason, message } = told;
  const index = conditions.findIndex((c) => c.type === type);
  if (index >= 0 && conditions[index]?.status === status) return;
  const time = formatTime(now);
  const condition = { type, status, reason, message, lastProbeTime: time, lastTransitionTime: time };
  conditions.splice(index >= 0 ? index : conditions.length, index >= 0 ? 1 : 0, condition);
}

function untilDeadline({ job, now }: JobInput): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec;
  if (activeDeadlineSeconds === undefined || suspend) return undefined;
  const start = Date.parse(job.status?.startTime ?? formatTime(now));
  return Math.max(0, start + activeDeadlineSeconds * 1000 - now);
}
