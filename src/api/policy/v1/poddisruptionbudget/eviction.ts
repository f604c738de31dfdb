// Whether a pod may be evicted, by the budgets that are about it.
import { formatTime } from '../../../../apimachinery/time.ts';
import { isPodReady } from '../../../core/v1/pod/facts.ts';
import type { Pod } from '../../../core/v1/types.generated.ts';
import type { PodDisruptionBudget } from '../types.generated.ts';
import { selects, withCondition } from './status.ts';

/** More evictions than the controller has confirmed are held for a mistake. */
const mostDisruptedPods = 2000;

export type Eviction =
  /** The pod goes; `unchanged`: only if it is still as it was when this was decided. */
  | { readonly type: 'evict'; readonly unchanged: boolean; readonly budget?: string }
  /** The pod goes once this budget has been charged for it. */
  | { readonly type: 'charge'; readonly budget: string }
  | { readonly type: 'ambiguous' };

/** `budgets`: all of the pod's namespace. */
export function planEviction(pod: Readonly<Pod>, budgets: readonly Readonly<PodDisruptionBudget>[]): Eviction {
  const { phase } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed' || pod.metadata.deletionTimestamp) {
    return { type: 'evict', unchanged: false };
  }
  // One that has not run yet serves nobody; but it may by the time it is deleted.
  if (phase === 'Pending') return { type: 'evict', unchanged: true };
  const concerned = budgets.filter((budget) => selects(budget, pod));
  if (concerned.length > 1) return { type: 'ambiguous' };
  const [budget] = concerned;
  if (!budget) return { type: 'evict', unchanged: false };
  const { name } = budget.metadata;
  if (!isPodReady(pod) && mayGoUnready(budget)) return { type: 'evict', unchanged: true, budget: name };
  return { type: 'charge', budget: name };
}

function mayGoUnready({ spec, status = {} }: Readonly<PodDisruptionBudget>): boolean {
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status;
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

export type Charge =
  | { readonly type: 'allowed'; readonly budget: PodDisruptionBudget }
  | { readonly type: 'forbidden'; readonly why: string }
  /** 429; `retryAfter` in seconds, absent where time alone cures nothing. */
  | { readonly type: 'wait'; readonly why: string; readonly retryAfter?: number };

export function stillProcessing(budget: string): string {
  return `The disruption budget ${budget} is still being processed by the server.`;
}

/** Takes one disruption from a budget and notes for whom; `now` in milliseconds since the epoch. */
export function chargeBudget(budget: Readonly<PodDisruptionBudget>, pod: string, now: number): Charge {
  const { metadata, status = {} } = budget;
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = status;
  if (observedGeneration < (metadata.generation ?? 0)) {
    return { type: 'wait', why: stillProcessing(metadata.name), retryAfter: 10 };
  }
  if (disruptionsAllowed < 0) return { type: 'forbidden', why: 'pdb disruptions allowed is negative' };
  if (Object.keys(disruptedPods).length > mostDisruptedPods) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    return { type: 'forbidden', why };
  }
  if (disruptionsAllowed === 0) return { type: 'wait', why: whyNone(budget) };
  const charged = {
    ...status,
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...disruptedPods, [pod]: formatTime(now) },
  };
  const renewed = disruptionsAllowed === 1 ? withCondition(charged, { now }) : charged;
  return { type: 'allowed', budget: { ...budget, status: renewed } };
}

function whyNone({ metadata, status = {} }: Readonly<PodDisruptionBudget>): string {
  const failed = status.conditions?.find(({ type, reason }) => type === 'DisruptionAllowed' && reason === 'SyncFailed');
  const start = `The disruption budget ${metadata.name}`;
  if (failed) return `${start} does not allow evicting pods currently because it failed sync: ${failed.message}`;
  return `${start} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`;
}
