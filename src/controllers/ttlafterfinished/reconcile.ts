// When a finished Job has outlived its spec.ttlSecondsAfterFinished: pure.
import { finishedCondition } from '../../api/batch/v1/job/facts.ts';
import type { Job } from '../../api/batch/v1/types.generated.ts';

/** Milliseconds until the Job may go, 0 or less when it may; undefined when it is not to be deleted. */
export function untilExpired(job: Readonly<Job>, now: number): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  if (ttlSecondsAfterFinished === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  const end = finishedCondition(job);
  if (!end?.lastTransitionTime) return undefined;
  return Date.parse(end.lastTransitionTime) + ttlSecondsAfterFinished * 1000 - now;
}
