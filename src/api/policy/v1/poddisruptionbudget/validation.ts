import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateConditions } from '../../../validation/conditions.ts';
import { validateLabelSelector } from '../../../validation/selectors.ts';
import { nonNegative } from '../../../validation/values.ts';
import { notMoreThanAll, validateIntOrPercent } from '../../../workload.ts';
import type { PodDisruptionBudget } from '../types.generated.ts';

const { invalid, notSupported } = fieldError;

export function validatePodDisruptionBudget({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy, selector } = spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    // As upstream prints its own type, which has no JSON names.
    const printed = {
      MinAvailable: minAvailable,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
    };
    errors.push(invalid('spec', printed, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [name, value] of Object.entries({ minAvailable, maxUnavailable })) {
    const field = `spec.${name}`;
    if (value !== undefined) errors.push(...validateIntOrPercent(field, value), ...notMoreThanAll(field, value));
  }
  errors.push(...validateLabelSelector(selector, 'spec.selector'));
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  if (unhealthyPodEvictionPolicy !== undefined && !policies.includes(unhealthyPodEvictionPolicy)) {
    errors.push(notSupported('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, policies));
  }
  return errors;
}

export function validatePodDisruptionBudgetStatus({ status = {} }: PodDisruptionBudget): FieldError[] {
  const numbers = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;
  return [
    ...validateConditions(status.conditions, 'status.conditions'),
    ...numbers.flatMap((name) => nonNegative(`status.${name}`, status[name])),
  ];
}
