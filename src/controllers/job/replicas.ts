// How many pods a Job runs now, and of which indexes (upstream manageJob): pure.
import type { Job } from '../../api/batch/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { deletionOrder } from '../shared/deletion-order.ts';
import { type Failures, failuresSinceSuccess } from './failures.ts';
import {
  failuresBefore,
  finishTime,
  indexOf,
  isIndexed,
  isSucceeded,
  type PodToMake,
  replacesOnlyFailed,
} from './job-pods.ts';
import { judgeFailure } from './policies.ts';
import { newestPerIndex, type Tally } from './tally.ts';

/** Milliseconds: the wait after the first failure, doubling, and the longest. */
const firstBackoff = 10_000;
const maxBackoff = 600_000;
/** Most pods made in one go, as upstream. */
const burst = 500;

export interface ReplicasInput {
  readonly job: Readonly<Job>;
  readonly pods: readonly Readonly<Pod>[];
  readonly now: number;
  /** Of earlier looks: their pods may be gone. Default: none. */
  readonly failures?: Failures | undefined;
}

export interface Replicas {
  readonly create: readonly PodToMake[];
  readonly delete: readonly Readonly<Pod>[];
  /** Milliseconds until a back-off has passed. */
  readonly requeueAfter: number | undefined;
}

export function replicasOf(input: ReplicasInput, tally: Tally): Replicas {
  const { job } = input;
  const { active } = tally;
  const nothing = { create: [], delete: [], requeueAfter: undefined };
  if (job.spec.suspend) return { ...nothing, delete: active };
  const wanted = wantedActive(job, tally);
  const surplus = surplusPods(input, active, active.length - wanted);
  if (surplus.length > 0) return { ...nothing, delete: surplus.slice(0, burst) };
  const ending = replacesOnlyFailed(job) ? tally.terminating.length : 0;
  const missing = Math.min(wanted - active.length - ending, burst);
  if (missing <= 0) return nothing;
  if (job.spec.backoffLimitPerIndex !== undefined) return perIndex(input, tally, missing);
  const wait = backoffLeft(input);
  if (wait > 0) return { ...nothing, requeueAfter: wait };
  if (!isIndexed(job)) return { ...nothing, create: Array.from({ length: missing }, () => ({})) };
  const create = freeIndexes(input, tally)
    .slice(0, missing)
    .map((index) => ({ index }));
  return { ...nothing, create };
}

function wantedActive({ spec }: Readonly<Job>, tally: Tally): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return tally.totalSucceeded > 0 ? tally.active.length : parallelism;
  const open = spec.completions - tally.totalSucceeded - tally.failedIndexes.size;
  return Math.max(0, Math.min(open, parallelism));
}

/** Pods beyond what is wanted, and of an Indexed Job those whose index is none, or that another pod has. */
function surplusPods({ job, now }: ReplicasInput, active: readonly Readonly<Pod>[], count: number): Readonly<Pod>[] {
  if (!isIndexed(job)) return count > 0 ? deletionOrder(active, active, now).slice(0, count) : [];
  const surplus: Readonly<Pod>[] = [];
  const kept = new Map<number, Readonly<Pod>>();
  for (const pod of deletionOrder(active, active, now).reverse()) {
    const index = indexOf(job, pod);
    if (index === undefined || kept.has(index)) surplus.push(pod);
    else kept.set(index, pod);
  }
  const highestFirst = [...kept].sort(([a], [b]) => b - a).map(([, pod]) => pod);
  return [...surplus, ...highestFirst.slice(0, Math.max(0, count - surplus.length))];
}

/** The lowest first. */
function freeIndexes({ job, pods }: ReplicasInput, tally: Tally): number[] {
  const ending = replacesOnlyFailed(job) ? tally.terminating : [];
  const taken = new Set([...tally.active, ...ending].map((pod) => indexOf(job, pod)));
  // A pod that succeeded but is not counted yet has its index, too.
  for (const pod of pods) if (isSucceeded(pod)) taken.add(indexOf(job, pod));
  const isFree = (index: number) =>
    !taken.has(index) && !tally.succeededIndexes.has(index) && !tally.failedIndexes.has(index);
  return Array.from({ length: job.spec.completions ?? 0 }, (_, index) => index).filter(isFree);
}

/** Each index waits for its own failures. */
function perIndex(input: ReplicasInput, tally: Tally, missing: number): Replicas {
  const { job, pods } = input;
  const newest = newestPerIndex(job, pods);
  const create: PodToMake[] = [];
  const waits: number[] = [];
  for (const index of freeIndexes(input, tally)) {
    if (create.length === missing) break;
    const last = newest.get(index);
    if (!last) {
      create.push({ index, failures: { counted: 0, ignored: 0 } });
      continue;
    }
    const { counted, ignored } = failuresBefore(last);
    const isIgnored = judgeFailure(job, last).action === 'Ignore';
    const tries = counted + ignored + 1;
    const wait = finishTime(last, input.now) + backoffAfter(tries) - input.now;
    if (wait > 0) waits.push(wait);
    else {
      const failures = { counted: counted + (isIgnored ? 0 : 1), ignored: ignored + (isIgnored ? 1 : 0) };
      create.push({ index, failures });
    }
  }
  return { create, delete: [], requeueAfter: waits.length > 0 ? Math.min(...waits) : undefined };
}

/** Milliseconds until new pods may be made. */
function backoffLeft(input: ReplicasInput): number {
  const { job, pods, now, failures: known } = input;
  const failures = [...failuresSinceSuccess(job, pods, { now, known }).values()];
  if (failures.length === 0) return 0;
  return Math.max(...failures) + backoffAfter(failures.length) - now;
}

function backoffAfter(failures: number): number {
  return Math.min(firstBackoff * 2 ** (failures - 1), maxBackoff);
}
