// How many pods of a PodDisruptionBudget may go (upstream pkg/controller/disruption).

import { isPodReady } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { withCondition } from '../../api/policy/v1/poddisruptionbudget/status.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/policy/v1/types.generated.ts';
import { goSelector } from '../../apimachinery/selectors/go-selector.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { resolveIntOrPercent } from '../shared/int-or-percent.ts';

/** An evicted pod that is still there after so many milliseconds will stay. */
const deletionTimeout = 120_000;

export interface DisruptionInput {
  readonly budget: Readonly<PodDisruptionBudget>;
  /** Those that the budget selects. */
  readonly pods: readonly Readonly<Pod>[];
  /** Replicas of all their controllers together; a text says why that is not known. Asked for only where needed. */
  readonly scale: number | string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface DisruptionResult {
  readonly status: PodDisruptionBudgetStatus;
  /** Pods that were evicted long ago and are still there. */
  readonly notDeleted: readonly string[];
  /** Milliseconds until something changes by itself. */
  readonly recheckAfter?: number;
  readonly failure?: string;
}

/** Whether the budget is a share of what there should be, rather than a number of what there is. */
export function needsScale({ spec }: Readonly<PodDisruptionBudget>): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string';
}

export function reconcileBudget(input: DisruptionInput): DisruptionResult {
  const { budget, pods, scale, now } = input;
  const { disruptedPods, notDeleted, recheckAfter } = disruptionsUnderWay(input);
  const recheck = recheckAfter === undefined ? {} : { recheckAfter };
  if (needsScale(budget) && typeof scale === 'string') {
    const status = { ...budget.status, disruptionsAllowed: 0 };
    return { status: withCondition(status, { now, failure: scale }), notDeleted, ...recheck, failure: scale };
  }
  const { expectedPods, desiredHealthy } = wanted(budget, { present: pods.length, scale: Number(scale) });
  const currentHealthy = pods.filter(
    (pod) => !pod.metadata.deletionTimestamp && !Object.hasOwn(disruptedPods, pod.metadata.name) && isPodReady(pod),
  ).length;
  const status = {
    conditions: budget.status?.conditions ?? [],
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed: expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0,
    expectedPods,
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    observedGeneration: budget.metadata.generation ?? 0,
  };
  return { status: withCondition(status, { now }), notDeleted, ...recheck };
}

function wanted(
  { spec }: Readonly<PodDisruptionBudget>,
  { present, scale }: { readonly present: number; readonly scale: number },
): { readonly expectedPods: number; readonly desiredHealthy: number } {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable !== undefined) {
    const gone = resolveIntOrPercent(maxUnavailable, scale, 'up');
    return { expectedPods: scale, desiredHealthy: Math.max(0, scale - gone) };
  }
  if (typeof minAvailable === 'string') {
    return { expectedPods: scale, desiredHealthy: resolveIntOrPercent(minAvailable, scale, 'up') };
  }
  return { expectedPods: present, desiredHealthy: minAvailable ?? 0 };
}

function disruptionsUnderWay({ budget, pods, now }: DisruptionInput) {
  const disruptedPods: Record<string, string> = {};
  const notDeleted: string[] = [];
  let recheckAfter: number | undefined;
  for (const { metadata } of pods) {
    const since = ownValue(budget.status?.disruptedPods, metadata.name);
    if (since === undefined || metadata.deletionTimestamp) continue;
    const left = Date.parse(since) + deletionTimeout - now;
    if (left < 0) {
      notDeleted.push(metadata.name);
    } else {
      disruptedPods[metadata.name] = since;
      recheckAfter = Math.min(recheckAfter ?? left, left);
    }
  }
  return { disruptedPods, notDeleted, recheckAfter };
}

/** What is said of pods without a controller, where only controllers know how many there should be. */
export function unmanagedMessage({ spec }: Readonly<PodDisruptionBudget>): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${goSelector(spec?.selector ?? {})}) were found to be unmanaged. ` +
    'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  );
}
