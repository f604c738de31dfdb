// When a Job gives up or is done early: by exit codes and conditions of its Pods, by indexes that succeeded.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { internalForm } from '../../../core/v1/pod/internal-form.ts';
import { nonNegative, repetitions } from '../../../validation/values.ts';
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from '../types.generated.ts';
import { countIndexes } from './indexes.ts';
import { internalTypes } from './internal-types.ts';

const { required, invalid, invalidUnprinted, duplicate, notSupported, tooLong, tooMany } = fieldError;

const maxRules = 20;
const maxExitCodes = 255;
const maxPatterns = 20;
const maxIndexesText = 64 * 1024;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

export function validatePodFailurePolicy(spec: JobSpec, path: string): FieldError[] {
  const { podFailurePolicy, template } = spec;
  if (!podFailurePolicy) return [];
  const rules = podFailurePolicy.rules ?? [];
  const names = new Set(
    [...(template?.spec?.initContainers ?? []), ...(template?.spec?.containers ?? [])].map(({ name }) => name),
  );
  const errors = rules.length > maxRules ? [tooMany(`${path}.rules`, rules.length, maxRules)] : [];
  return [...errors, ...rules.flatMap((rule, i) => validateRule(rule, `${path}.rules[${i}]`, { spec, names }))];
}

/** One of a few texts; where there is none, they are named as Go prints a list. */
function oneOfNamed(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(field, `valid values: [${supported.map((text) => `"${text}"`).join(' ')}]`)];
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

interface RuleContext {
  readonly spec: JobSpec;
  readonly names: ReadonlySet<string>;
}

function validateRule(rule: PodFailurePolicyRule, path: string, context: RuleContext): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const errors = oneOfNamed(`${path}.action`, action, actions);
  if (action === 'FailIndex' && context.spec.backoffLimitPerIndex === undefined) {
    errors.push(invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set'));
  }
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, `${path}.onExitCodes`, context.names));
  if (onPodConditions.length > maxPatterns) {
    errors.push(tooMany(`${path}.onPodConditions`, onPodConditions.length, maxPatterns));
  }
  for (const [i, { type, status }] of onPodConditions.entries()) {
    const at = `${path}.onPodConditions[${i}]`;
    errors.push(...nameErrors(qualifiedName, `${at}.type`, type));
    errors.push(...oneOfNamed(`${at}.status`, status, ['False', 'True', 'Unknown']));
  }
  if (onExitCodes && onPodConditions.length > 0) {
    errors.push(invalidUnprinted(path, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  } else if (!onExitCodes && onPodConditions.length === 0) {
    errors.push(invalidUnprinted(path, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
  return errors;
}

function validateExitCodes(
  codes: NonNullable<PodFailurePolicyRule['onExitCodes']>,
  path: string,
  names: ReadonlySet<string>,
): FieldError[] {
  const { operator, containerName } = codes;
  const values = codes.values ?? [];
  const errors = oneOfNamed(`${path}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !names.has(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalid(`${path}.containerName`, containerName, why));
  }
  const at = `${path}.values`;
  if (values.length === 0) errors.push(invalid(at, codes.values, 'at least one value is required'));
  else if (values.length > maxExitCodes) errors.push(tooMany(at, values.length, maxExitCodes));
  const again = repetitions(values);
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0)
      errors.push(invalid(`${at}[${i}]`, value, 'must not be 0 for the In operator'));
    if (again.has(i)) errors.push(duplicate(`${at}[${i}]`, value));
  }
  const sorted = values.every((value, i) => i === 0 || values[i - 1]! <= value);
  return sorted ? errors : [...errors, invalid(at, values, 'must be ordered')];
}

export function validateSuccessPolicy(
  { successPolicy, completionMode, completions = 0 }: JobSpec,
  path: string,
): FieldError[] {
  if (!successPolicy) return [];
  // As upstream prints its own type, which has no JSON names.
  const printed = internalForm('SuccessPolicy', successPolicy, internalTypes);
  if (completionMode !== 'Indexed') return [invalid(path, printed, 'requires indexed completion mode')];
  const rules = successPolicy.rules ?? [];
  const at = `${path}.rules`;
  const missing = 'at least one rules must be specified when the successPolicy is specified';
  return [
    ...(rules.length === 0 ? [required(at, missing)] : []),
    ...(rules.length > maxRules ? [tooMany(at, rules.length, maxRules)] : []),
    ...rules.flatMap((rule, i) => validateSuccessRule(rule, `${at}[${i}]`, completions)),
  ];
}

function validateSuccessRule(rule: SuccessPolicyRule, path: string, completions: number): FieldError[] {
  const { succeededCount, succeededIndexes } = rule;
  const errors: FieldError[] = [];
  if (succeededCount === undefined && succeededIndexes === undefined) {
    errors.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  let named = 0;
  if (succeededIndexes !== undefined) {
    const field = `${path}.succeededIndexes`;
    if (succeededIndexes.length > maxIndexesText) errors.push(tooLong(field, maxIndexesText));
    const count = countIndexes(succeededIndexes, completions);
    if (typeof count === 'number') named = count;
    else errors.push(invalid(field, succeededIndexes, `error parsing succeededIndexes: ${count}`));
  }
  if (succeededCount === undefined) return errors;
  const field = `${path}.succeededCount`;
  const atMost = (most: number, what: string): FieldError =>
    invalid(field, succeededCount, `must be less than or equal to ${most} (the number of ${what})`);
  errors.push(...nonNegative(field, succeededCount));
  if (succeededCount > completions) errors.push(atMost(completions, 'specified completions'));
  if (succeededIndexes !== undefined && succeededCount > named) {
    errors.push(atMost(named, 'indexes in the specified succeededIndexes field'));
  }
  return errors;
}
