import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateLabelSelector } from '../../../validation/selectors.ts';
import { nonNegative } from '../../../validation/values.ts';
import type { PodDisruptionBudget } from '../types.generated.ts';

const { invalid, notSupported } = fieldError;

export function validatePodDisruptionBudget({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy, selector } = spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [name, value] of Object.entries({ minAvailable, maxUnavailable })) {
    if (value !== undefined) errors.push(...validateShare(`spec.${name}`, value));
  }
  errors.push(...validateLabelSelector(selector, 'spec.selector'));
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  if (unhealthyPodEvictionPolicy !== undefined && !policies.includes(unhealthyPodEvictionPolicy)) {
    errors.push(notSupported('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, policies));
  }
  return errors;
}

/** A number, or a percentage of at most 100. */
function validateShare(path: string, value: number | string): FieldError[] {
  if (typeof value === 'number') return nonNegative(path, value);
  if (!/^[0-9]+%$/.test(value)) {
    const pattern = "a valid percent string must be a numeric string followed by an ending '%'";
    const why = `${pattern} (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`;
    return [invalid(path, value, why)];
  }
  return Number(value.slice(0, -1)) > 100 ? [invalid(path, value, 'must not be greater than 100%')] : [];
}

export function validatePodDisruptionBudgetStatus({ status = {} }: PodDisruptionBudget): FieldError[] {
  const numbers = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;
  return numbers.flatMap((name) => nonNegative(`status.${name}`, status[name]));
}
