// When a Job gives up or is done early (batch/v1 podFailurePolicy and successPolicy): pure.
import type { Job, PodFailurePolicyRule } from '../../api/batch/v1/types.generated.ts';
import type { ContainerStatus, Pod } from '../../api/core/v1/types.generated.ts';
import { parseIndexes } from './indexes.ts';

export interface FailureVerdict {
  /** `Count` where no rule matches. */
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
  /** Says which rule matched; for FailJob. */
  readonly message: string;
}

/** The first rule that matches a failed pod decides. */
export function judgeFailure({ spec }: Readonly<Job>, pod: Readonly<Pod>): FailureVerdict {
  for (const [i, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const found = rule.onExitCodes ? byExitCode(rule, pod) : byCondition(rule, pod);
    if (found === undefined) continue;
    const message = `${found} matching ${rule.action} rule at index ${i}`;
    return { action: rule.action as FailureVerdict['action'], message };
  }
  return { action: 'Count', message: '' };
}

function byExitCode({ onExitCodes }: PodFailurePolicyRule, pod: Readonly<Pod>): string | undefined {
  if (!onExitCodes) return undefined;
  const statuses: readonly ContainerStatus[] = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
  ];
  for (const { name, state } of statuses) {
    const code = state?.terminated?.exitCode;
    if (code === undefined || code === 0) continue;
    if (onExitCodes.containerName !== undefined && onExitCodes.containerName !== name) continue;
    if (onExitCodes.values.includes(code) !== (onExitCodes.operator === 'In')) continue;
    return `Container ${name} for pod ${pod.metadata.namespace}/${pod.metadata.name} failed with exit code ${code}`;
  }
  return undefined;
}

function byCondition({ onPodConditions = [] }: PodFailurePolicyRule, pod: Readonly<Pod>): string | undefined {
  for (const { type, status = 'True' } of onPodConditions) {
    const met = pod.status?.conditions?.some((condition) => condition.type === type && condition.status === status);
    if (met) return `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${type}`;
  }
  return undefined;
}

/** The message of SuccessCriteriaMet when a rule of the success policy is met. */
export function judgeSuccess({ spec }: Readonly<Job>, succeeded: ReadonlySet<number>): string | undefined {
  for (const [i, { succeededIndexes, succeededCount }] of (spec.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, spec.completions ?? 0);
    // A rule about no index is met by nothing.
    if (wanted?.size === 0) continue;
    const met = wanted ? [...wanted].filter((index) => succeeded.has(index)).length : succeeded.size;
    if (met >= (succeededCount ?? wanted?.size ?? Number.POSITIVE_INFINITY)) return `Matched rules at index ${i}`;
  }
  return undefined;
}
