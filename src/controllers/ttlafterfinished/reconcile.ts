// When a finished Job has outlived its spec.ttlSecondsAfterFinished: pure.
import type { Job } from '../../api/batch/v1/types.generated.ts';

/** Milliseconds until the Job may go, 0 or less when it may; undefined when it is not to be deleted. */
export function untilExpired({ metadata, spec, status }: Readonly<Job>, now: number): number | undefined {
  const { ttlSecondsAfterFinished } = spec;
  if (ttlSecondsAfterFinished === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  const end = status?.conditions?.find((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True');
  if (!end?.lastTransitionTime) return undefined;
  return Date.parse(end.lastTransitionTime) + ttlSecondsAfterFinished * 1000 - now;
}
