// What a PodDisruptionBudget is about, and the condition that sums its status up.
import type { KubeObject } from '../../../../apimachinery/object.ts';
import { labelSelectorOf, matchesLabels } from '../../../../apimachinery/selectors/label-selector.ts';
import { formatTime } from '../../../../apimachinery/time.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../types.generated.ts';

const type = 'DisruptionAllowed';

/** Whether a budget is about a pod of its namespace. No selector is about none, an empty one about all. */
export function selects({ spec }: Readonly<PodDisruptionBudget>, pod: Readonly<KubeObject>): boolean {
  const selector = labelSelectorOf(spec?.selector);
  return selector !== undefined && matchesLabels(selector, pod.metadata.labels);
}

export interface ConditionOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Why the status could not be worked out. */
  readonly failure?: string;
}

/** The status with the condition `DisruptionAllowed` that belongs to its numbers. */
export function withCondition(
  status: PodDisruptionBudgetStatus,
  { now, failure }: ConditionOptions,
): PodDisruptionBudgetStatus {
  const allowed = failure === undefined && (status.disruptionsAllowed ?? 0) > 0;
  const reason = failure !== undefined ? 'SyncFailed' : allowed ? 'SufficientPods' : 'InsufficientPods';
  const present = status.conditions?.find((condition) => condition.type === type);
  const value = allowed ? 'True' : 'False';
  const lastTransitionTime = present?.status === value ? present.lastTransitionTime : formatTime(now);
  const { observedGeneration } = status;
  const others = status.conditions?.filter((condition) => condition.type !== type) ?? [];
  const condition = {
    type,
    status: value,
    reason,
    message: failure ?? '',
    lastTransitionTime,
    ...(observedGeneration !== undefined && { observedGeneration }),
  };
  return { ...status, conditions: [...others, condition] };
}
