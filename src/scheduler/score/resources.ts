// NodeResourcesFit (least allocated) and NodeResourcesBalancedAllocation.
import type { NodeInfo } from '../node-info.ts';
import { maxScore, type ScorePlugin } from '../plugin.ts';
import { type Amounts, nonZeroRequests, podRequests } from '../pod-resources.ts';

interface Use {
  /** What would be taken with the pod on the node. */
  readonly taken: number;
  /** More than 0. */
  readonly there: number;
}

/** A container that asks for nothing counts for something here, so that many such do not all go to one node. */
export const leastAllocated: ScorePlugin = ({ pod }, feasible) => {
  const own = nonZeroRequests(pod);
  return feasible.map((info) => {
    const free = usesOf(info, info.nonZero, own).map(({ taken, there }) =>
      taken > there ? 0 : Math.floor(((there - taken) * maxScore) / there),
    );
    return free.length === 0 ? 0 : Math.floor(free.reduce((sum, one) => sum + one, 0) / free.length);
  });
};

/** Best where CPU and memory are used to the same part. No opinion on a pod that asks for neither. */
export const balancedAllocation: ScorePlugin = ({ pod }, feasible) => {
  const own = podRequests(pod);
  if (!own.cpu && !own.memory) return undefined;
  return feasible.map((info) => {
    const [a, b] = usesOf(info, info.requested, own).map(({ taken, there }) => Math.min(taken / there, 1));
    const deviation = a === undefined || b === undefined ? 0 : Math.abs((a - b) / 2);
    return Math.floor((1 - deviation) * maxScore);
  });
};

/** Of CPU and memory, where the node has any. */
function usesOf({ allocatable }: NodeInfo, present: Amounts, own: Amounts): Use[] {
  return ['cpu', 'memory'].flatMap((name) => {
    const there = allocatable[name] ?? 0;
    return there === 0 ? [] : [{ taken: (present[name] ?? 0) + (own[name] ?? 0), there }];
  });
}
