// What one may ask of a Job.
import type { Job, JobCondition } from '../types.generated.ts';

/** The condition that says how the Job ended; undefined of one that goes on. */
export function finishedCondition({ status }: Pick<Job, 'status'>): JobCondition | undefined {
  return status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}
