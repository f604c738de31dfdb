// What has become of a Job's pods so far. A pod is counted once: its uid goes into status.uncountedTerminatedPods, then its
// finalizer goes, then the uid becomes a number (KEP-2307). Pure.
import type { Job } from '../../api/batch/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { isPodActive } from '../shared/pods.ts';
import { parseIndexes } from './indexes.ts';
import { failuresBefore, hasFinalizer, indexOf, isFailed, isIndexed, isSucceeded, isTerminating } from './job-pods.ts';
import { judgeFailure } from './policies.ts';

export interface Tally {
  readonly active: readonly Readonly<Pod>[];
  readonly terminating: readonly Readonly<Pod>[];
  /** Numbers for the status, without those that are uncounted. */
  readonly succeeded: number;
  readonly failed: number;
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  /** With the uncounted ones: what the Job decides by. */
  readonly totalSucceeded: number;
  readonly totalFailed: number;
  readonly succeededIndexes: ReadonlySet<number>;
  /** With backoffLimitPerIndex. */
  readonly failedIndexes: ReadonlySet<number>;
  /** Pods whose finalizer may go once the status is written. */
  readonly done: readonly Readonly<Pod>[];
  /** Failed pods that keep their finalizer until their index has another: by them it is known how often it failed. */
  readonly held: readonly Readonly<Pod>[];
  /** The message of a rule of the pod failure policy that fails the Job. */
  readonly failJob: string | undefined;
}

export function tallyUp(job: Readonly<Job>, pods: readonly Readonly<Pod>[]): Tally {
  const indexed = isIndexed(job);
  const { status = {} } = job;
  const uncounted = { succeeded: new Set<string>(), failed: new Set<string>() };
  const counted = { succeeded: status.succeeded ?? 0, failed: status.failed ?? 0 };
  const tracked = new Set(pods.filter(hasFinalizer).map(({ metadata }) => metadata.uid));
  for (const how of ['succeeded', 'failed'] as const) {
    for (const uid of status.uncountedTerminatedPods?.[how] ?? []) {
      if (tracked.has(uid)) uncounted[how].add(uid);
      else counted[how] += 1;
    }
  }
  const completions = job.spec.completions ?? 0;
  const succeededIndexes = parseIndexes(indexed ? status.completedIndexes : undefined, completions);
  const failures = classifyFailures(job, pods);
  const done: Readonly<Pod>[] = [];
  for (const pod of pods.filter(hasFinalizer)) {
    const { uid = '' } = pod.metadata;
    if (isSucceeded(pod)) {
      const index = indexOf(job, pod);
      if (index !== undefined && indexed) succeededIndexes.add(index);
      else if (!indexed) uncounted.succeeded.add(uid);
      done.push(pod);
    } else if (isFailed(job, pod) && !failures.held.has(pod)) {
      if (!failures.ignored.has(pod) && hasPlace(job, pod)) uncounted.failed.add(uid);
      done.push(pod);
    }
  }
  for (const index of failures.indexes) if (succeededIndexes.has(index)) failures.indexes.delete(index);
  const heldCount = [...failures.held].filter((pod) => !failures.ignored.has(pod)).length;
  return {
    active: pods.filter(isPodActive),
    terminating: pods.filter(isTerminating),
    succeeded: indexed ? succeededIndexes.size : counted.succeeded,
    failed: counted.failed,
    uncounted: { succeeded: [...uncounted.succeeded], failed: [...uncounted.failed] },
    totalSucceeded: indexed ? succeededIndexes.size : counted.succeeded + uncounted.succeeded.size,
    totalFailed: counted.failed + uncounted.failed.size + heldCount,
    succeededIndexes,
    failedIndexes: failures.indexes,
    done,
    held: [...failures.held],
    failJob: failures.failJob,
  };
}

/** A pod of an Indexed Job without an index of its own counts for nothing. */
function hasPlace(job: Readonly<Job>, pod: Readonly<Pod>): boolean {
  return !isIndexed(job) || indexOf(job, pod) !== undefined;
}

/** A Job that is decided, or that goes, lets go of every pod; `fails`: those that have not succeeded count as failed. */
export function letGo(
  job: Readonly<Job>,
  pods: readonly Readonly<Pod>[],
  { tally, fails }: { readonly tally: Tally; readonly fails: boolean },
): Tally {
  const failed = new Set(tally.uncounted.failed);
  const others = pods.filter((pod) => hasFinalizer(pod) && !tally.done.includes(pod));
  for (const pod of others) {
    const counts = (fails || tally.held.includes(pod)) && hasPlace(job, pod);
    if (counts && judgeFailure(job, pod).action !== 'Ignore') failed.add(pod.metadata.uid ?? '');
  }
  const uncounted = { ...tally.uncounted, failed: [...failed] };
  return { ...tally, uncounted, done: [...tally.done, ...others], held: [] };
}

function classifyFailures(job: Readonly<Job>, pods: readonly Readonly<Pod>[]) {
  const limit = job.spec.backoffLimitPerIndex;
  const ignored = new Set<Readonly<Pod>>();
  const held = new Set<Readonly<Pod>>();
  const indexes = parseIndexes(limit === undefined ? undefined : job.status?.failedIndexes, job.spec.completions ?? 0);
  const newest = limit === undefined ? new Map<number, Readonly<Pod>>() : newestPerIndex(job, pods);
  let failJob: string | undefined;
  for (const pod of pods) {
    if (!hasFinalizer(pod) || !isFailed(job, pod)) continue;
    const { action, message } = judgeFailure(job, pod);
    if (action === 'FailJob') failJob ??= message;
    if (action === 'Ignore') ignored.add(pod);
    const index = indexOf(job, pod);
    if (limit === undefined || index === undefined) continue;
    const isOver = action === 'FailIndex' || (action !== 'Ignore' && failuresBefore(pod).counted >= limit);
    if (isOver) indexes.add(index);
    else if (newest.get(index) === pod && !indexes.has(index)) held.add(pod);
  }
  return { ignored, held, indexes, failJob };
}

/** The pod of each index that was made last. */
export function newestPerIndex(job: Readonly<Job>, pods: readonly Readonly<Pod>[]): Map<number, Readonly<Pod>> {
  const newest = new Map<number, Readonly<Pod>>();
  const rank = (pod: Readonly<Pod>) => {
    const { counted, ignored } = failuresBefore(pod);
    return counted + ignored;
  };
  for (const pod of pods) {
    const index = indexOf(job, pod);
    const known = index === undefined ? undefined : newest.get(index);
    if (index !== undefined && (!known || rank(pod) >= rank(known))) newest.set(index, pod);
  }
  return newest;
}
