// What a CronJob does next (upstream pkg/controller/cronjob cronjob_controllerv2.go): pure.
import { nextTime } from '../../api/batch/v1/cronjob/next-time.ts';
import { parseSchedule, type Schedule } from '../../api/batch/v1/cronjob/schedule.ts';
import { isTimeZone } from '../../api/batch/v1/cronjob/time-zone.ts';
import { finishedCondition } from '../../api/batch/v1/job/facts.ts';
import type { CronJob, CronJobStatus, Job } from '../../api/batch/v1/types.generated.ts';
import type { ObjectReference } from '../../api/core/v1/types.generated.ts';
import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { EventText } from '../../client/events.ts';
import { controllerReference } from '../shared/owners.ts';

export const kind = { apiVersion: 'batch/v1', kind: 'CronJob' };
const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export interface CronJobInput {
  readonly cronJob: Readonly<CronJob>;
  /** Those that it controls. */
  readonly jobs: readonly Readonly<Job>[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface CronJobPlan {
  /** Finished Jobs beyond the history limits. */
  readonly forget: readonly Readonly<Job>[];
  /** Running Jobs that the new one replaces. */
  readonly replace: readonly Readonly<Job>[];
  readonly create: Job | undefined;
  readonly events: readonly EventText[];
  /** Without the Job that is to be created. Undefined when the present one is right. */
  readonly status: CronJobStatus | undefined;
  /** Milliseconds until the next time. */
  readonly requeueAfter: number | undefined;
}

/** Upstream warns beyond so many. */
const manyMissed = 100;
/** Milliseconds after a scheduled time at which it is looked at. */
const slack = 100;

export function reconcile(input: CronJobInput): CronJobPlan {
  const { cronJob } = input;
  const { status: seen, events } = lookAtJobs(input);
  const forget = surplusJobs(input);
  const idle = {
    forget,
    replace: [],
    create: undefined,
    events,
    status: changed(cronJob, seen),
    requeueAfter: undefined,
  };
  const { schedule: text, suspend, timeZone } = cronJob.spec;
  if (cronJob.metadata.deletionTimestamp !== undefined) return idle;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const message = `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`;
    return { ...idle, events: [...events, { type: 'Warning', reason: 'UnknownTimeZone', message }] };
  }
  if (suspend) return idle;
  const schedule = parseSchedule(text);
  if (typeof schedule === 'string') {
    const message = `unparseable schedule: "${text}" : ${schedule}`;
    return { ...idle, events: [...events, { type: 'Warning', reason: 'UnparseableSchedule', message }] };
  }
  return { ...idle, ...start(input, schedule, { status: seen, events }) };
}

interface Seen {
  readonly status: CronJobStatus;
  readonly events: EventText[];
}

function start(input: CronJobInput, schedule: Schedule, { status, events }: Seen): Partial<CronJobPlan> {
  const { cronJob, jobs, now } = input;
  const { schedule: text, concurrencyPolicy, startingDeadlineSeconds } = cronJob.spec;
  const next = upcoming(input, schedule);
  if (next === undefined) {
    // A day that no calendar has, February 30th.
    const message = `invalid schedule: ${text} : time difference between two schedules is less than 1 second`;
    return { events: [...events, { type: 'Warning', reason: 'InvalidSchedule', message }] };
  }
  const requeueAfter = next - now + slack;
  const { time, missed } = mostRecent(input, schedule);
  if (missed > manyMissed) {
    const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    events.push({ type: 'Warning', reason: 'TooManyMissedTimes', message });
  }
  if (time === undefined) return { requeueAfter };
  if (startingDeadlineSeconds !== undefined && time + startingDeadlineSeconds * 1000 < now) {
    const message = `Missed scheduled time to start a job: ${rfc1123(time)}`;
    return { requeueAfter, events: [...events, { type: 'Warning', reason: 'MissSchedule', message }] };
  }
  const create = jobAt(cronJob, time);
  const active = status.active ?? [];
  const known =
    active.some(({ name }) => name === create.metadata.name) || status.lastScheduleTime === formatTime(time);
  if (known) return { requeueAfter };
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return { requeueAfter, events: [...events, { type: 'Normal', reason: 'JobAlreadyActive', message }] };
  }
  const replace = concurrencyPolicy === 'Replace' ? jobs.filter((job) => active.some((ref) => isSame(ref, job))) : [];
  const kept = active.filter((ref) => !replace.some((job) => isSame(ref, job)));
  return { requeueAfter, create, replace, status: { ...status, active: kept, lastScheduleTime: formatTime(time) } };
}

function isSame(reference: Readonly<ObjectReference>, job: Readonly<Job>): boolean {
  return reference.uid === job.metadata.uid;
}

/** Since when times count: the last one that was met. Periods of `@every` are counted from there, not from when it is looked at. */
function beginning({ cronJob, now }: CronJobInput): number {
  return Date.parse(cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? formatTime(now));
}

function upcoming(input: CronJobInput, schedule: Schedule): number | undefined {
  const { now, cronJob } = input;
  if (schedule.kind !== 'every') return nextTime(schedule, now, cronJob.spec.timeZone);
  const start = beginning(input);
  return start + (periodsGone(start, now, schedule.period) + 1) * schedule.period;
}

function periodsGone(start: number, now: number, period: number): number {
  return Math.max(0, Math.floor((now - start) / period));
}

/** The last time up to now that is not too long ago, and how many there were since the last Job (at most 101). */
function mostRecent(input: CronJobInput, schedule: Schedule): { time: number | undefined; missed: number } {
  const { cronJob, now } = input;
  const { timeZone, startingDeadlineSeconds } = cronJob.spec;
  const start = beginning(input);
  const earliest =
    startingDeadlineSeconds === undefined ? start : Math.max(start, now - startingDeadlineSeconds * 1000);
  if (schedule.kind === 'every') {
    const time = start + periodsGone(start, now, schedule.period) * schedule.period;
    if (time <= start || time < earliest) return { time: undefined, missed: 0 };
    return { time, missed: Math.min(periodsGone(earliest, now, schedule.period), manyMissed + 1) };
  }
  const count = (from: number, most: number) => {
    let last: number | undefined;
    let found = 0;
    for (let time = nextTime(schedule, from, timeZone); time !== undefined && time <= now && found <= most; ) {
      last = time;
      found += 1;
      time = nextTime(schedule, time, timeZone);
    }
    return { last, found };
  };
  const { last, found } = count(earliest, manyMissed);
  if (found <= manyMissed) return { time: last, missed: found };
  // The newest is found from near the end: periods of an hour, a day, a month, for ever.
  for (const back of [3_600_000, 86_400_000, 32 * 86_400_000]) {
    const near = count(now - back, Number.POSITIVE_INFINITY);
    if (near.last !== undefined && now - back > earliest) return { time: near.last, missed: found };
  }
  return { time: count(earliest, Number.POSITIVE_INFINITY).last, missed: found };
}

/** A Job's name says its time, so that the same time never makes two. */
function jobAt(cronJob: Readonly<CronJob>, time: number): Job {
  const { metadata, spec } = jsonCopy(cronJob.spec.jobTemplate);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${cronJob.metadata.name}-${Math.floor(time / 60_000)}`,
      namespace: cronJob.metadata.namespace ?? '',
      labels: { ...metadata?.labels },
      annotations: { ...metadata?.annotations, [scheduledAnnotation]: zonedTime(time, cronJob.spec.timeZone) },
      creationTimestamp: formatTime(time),
      ownerReferences: [controllerReference(cronJob, kind)],
    },
    spec: spec ?? { template: { spec: { containers: [] } } },
  };
}

/** RFC 3339 with the zone's offset. */
function zonedTime(time: number, timeZone: string | undefined): string {
  if (timeZone === undefined || timeZone === 'UTC') return formatTime(time);
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const name = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const offset = /GMT([+-])(\d{2}):(\d{2})/.exec(name);
  if (!offset) return formatTime(time);
  const minutes = (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === '-' ? -1 : 1);
  const local = formatTime(time + minutes * 60_000).replace('Z', '');
  return `${local}${offset[1]}${offset[2]}:${offset[3]}`;
}

/** What happened to its Jobs: the list of active ones as it should be, and what is to be said. */
function lookAtJobs({ cronJob, jobs }: CronJobInput): Seen {
  const events: EventText[] = [];
  const status: CronJobStatus = { ...cronJob.status };
  let active = [...(status.active ?? [])];
  for (const job of jobs) {
    const listed = active.some((ref) => isSame(ref, job));
    const end = finishedCondition(job)?.type;
    const { name } = job.metadata;
    if (!listed && !end) {
      // Created before the status could be written, or by somebody else with our reference.
      const message = `Saw a job that the controller did not create or forgot: ${name}`;
      events.push({ type: 'Warning', reason: 'UnexpectedJob', message });
    } else if (listed && end) {
      active = active.filter((ref) => !isSame(ref, job));
      const message = `Saw completed job: ${name}, condition: ${end}`;
      events.push({ type: 'Normal', reason: 'SawCompletedJob', message });
    }
    const done = job.status?.completionTime;
    if (end === 'Complete' && done !== undefined && done > (status.lastSuccessfulTime ?? '')) {
      status.lastSuccessfulTime = done;
    }
  }
  const present = new Set(jobs.map(({ metadata }) => metadata.uid));
  for (const { name, uid } of active.filter((ref) => !present.has(ref.uid))) {
    active = active.filter((ref) => ref.uid !== uid);
    events.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name}` });
  }
  if (active.length > 0) status.active = active;
  else delete status.active;
  return { status, events };
}

function surplusJobs({ cronJob, jobs }: CronJobInput): Readonly<Job>[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
  const beyond = (end: 'Complete' | 'Failed', limit: number | undefined) => {
    if (limit === undefined) return [];
    const ended = jobs
      .filter((job) => finishedCondition(job)?.type === end && !job.metadata.deletionTimestamp)
      .sort(byStart);
    return ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...beyond('Complete', successfulJobsHistoryLimit), ...beyond('Failed', failedJobsHistoryLimit)];
}

/** Those that never started are the last to go. */
function byStart(a: Readonly<Job>, b: Readonly<Job>): number {
  const [left, right] = [a.status?.startTime ?? '~', b.status?.startTime ?? '~'];
  if (left !== right) return left < right ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function changed({ status }: Readonly<CronJob>, wanted: CronJobStatus): CronJobStatus | undefined {
  return jsonEqual(wanted, status ?? {}) ? undefined : wanted;
}

/** As Go's time.RFC1123Z: `Sat, 21 Nov 2026 08:00:00 +0000`. */
function rfc1123(time: number): string {
  return new Date(time).toUTCString().replace('GMT', '+0000');
}
