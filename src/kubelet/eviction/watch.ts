// From one look at the machine to the next: which thresholds are met, and for which of them pods are evicted now: pure. The rules
// are upstream's (synchronize of pkg/kubelet/eviction/eviction_manager.go).
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { MachineUsage } from '../stats/machine.ts';
import { type Shortage, shortages, type Threshold } from './thresholds.ts';

export interface Watch {
  /** When each threshold that is met was first seen so (milliseconds since the epoch). */
  readonly since: ReadonlyMap<Threshold, number>;
  /** Met: the node is under pressure. */
  readonly met: readonly Shortage[];
  /** Met for as long as they bear: pods are evicted. */
  readonly due: readonly Shortage[];
}

export const nothingSeen: Watch = { since: new Map(), met: [], due: [] };

export interface Look {
  readonly thresholds: readonly Threshold[];
  readonly usage: MachineUsage;
  readonly now: number;
}

/** What the next look finds. Thresholds are known again by identity. */
export function watch(before: Watch, { thresholds, usage, now }: Look): Watch {
  // What pods were evicted for is over when as much as is wanted was won.
  const unresolved = before.due.map(({ by }) => by);
  const met = shortages(thresholds, usage, unresolved);
  const since = new Map(met.map(({ by }) => [by, before.since.get(by) ?? now]));
  return { since, met, due: met.filter(({ by }) => now - since.get(by)! >= (by.grace ?? 0)) };
}

/** Seconds that a pod has to end when there is no time (kubelet's immediateEvictionGracePeriodSeconds). */
export const shortestGrace = 1;

/** Seconds that a pod has to end that is evicted for a threshold; of a soft one `most` at the most, where it is not 0. */
export function graceFor({ spec }: Pod, { grace = 0 }: Threshold, most: number): number {
  if (grace === 0) return shortestGrace;
  const own = spec.terminationGracePeriodSeconds ?? 30;
  return most === 0 ? own : Math.min(own, most);
}
