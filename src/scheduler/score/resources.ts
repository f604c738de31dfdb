// NodeResourcesFit (least allocated) and NodeResourcesBalancedAllocation.
import { type NodeInfo, nonZeroRequests } from '../node-info.ts';
import { maxScore, type PodContext, type ScorePlugin } from '../plugin.ts';

type Fractions = readonly [cpu: number, memory: number];

export const leastAllocated: ScorePlugin = (context, feasible) =>
  feasible.map((info) => {
    const [cpu, memory] = fractions(context, info);
    return Math.floor((free(cpu) + free(memory)) / 2);
  });

/** Best where CPU and memory are used to the same part. */
export const balancedAllocation: ScorePlugin = (context, feasible) =>
  feasible.map((info) => {
    const [cpu, memory] = fractions(context, info);
    const deviation = Math.abs(Math.min(cpu, 1) - Math.min(memory, 1)) / 2;
    return Math.floor((1 - deviation) * maxScore);
  });

/** What would be taken of the node with the pod on it, 0 to 1 (above where it does not fit). */
function fractions({ pod }: PodContext, { allocatable, nonZero }: NodeInfo): Fractions {
  const own = nonZeroRequests(pod);
  const fraction = (taken: number, there = 0) => (there === 0 ? 1 : taken / there);
  return [fraction(nonZero.cpu + own.cpu, allocatable.cpu), fraction(nonZero.memory + own.memory, allocatable.memory)];
}

function free(fraction: number): number {
  return Math.max(0, Math.floor((1 - fraction) * maxScore));
}
