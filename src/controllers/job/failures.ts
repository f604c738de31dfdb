// What a Job's back-off is reckoned from. A pod that was deleted takes its failure with it, so it is remembered here.
import type { Job } from '../../api/batch/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { finishTime, isFailed, isSucceeded } from './job-pods.ts';

/** When pods ended that have failed, in milliseconds since the epoch, by their uid. */
export type Failures = ReadonlyMap<string, number>;

/** Failures after the last success, with those that are `known` of pods that may be gone. */
export function failuresSinceSuccess(
  job: Readonly<Job>,
  pods: readonly Readonly<Pod>[],
  { now, known }: { readonly now: number; readonly known?: Failures | undefined },
): Failures {
  const failures = new Map(known);
  let lastSuccess = Number.NEGATIVE_INFINITY;
  for (const pod of pods) {
    if (isSucceeded(pod)) lastSuccess = Math.max(lastSuccess, finishTime(pod, now));
    else if (isFailed(job, pod)) failures.set(pod.metadata.uid ?? pod.metadata.name, finishTime(pod, now));
  }
  for (const [uid, end] of failures) if (end <= lastSuccess) failures.delete(uid);
  return failures;
}
