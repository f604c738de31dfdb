// When a Job gives up or is done early: by exit codes and conditions of its Pods, by indexes that succeeded.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { oneOf } from '../../../validation/values.ts';
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from '../types.generated.ts';

const { required, invalid, invalidUnprinted, duplicate, tooMany } = fieldError;

const maxRules = 20;
const maxExitCodes = 255;
const maxPatterns = 20;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

export function validatePodFailurePolicy(spec: JobSpec, path: string): FieldError[] {
  const { podFailurePolicy, template } = spec;
  if (!podFailurePolicy) return [];
  const rules = podFailurePolicy.rules ?? [];
  const names = new Set(
    [...(template?.spec?.initContainers ?? []), ...(template?.spec?.containers ?? [])].map(({ name }) => name),
  );
  const errors = rules.length > maxRules ? [tooMany(`${path}.rules`, rules.length, maxRules)] : [];
  const policy = template?.spec?.restartPolicy;
  if (policy !== 'Never') {
    const field = `${path.slice(0, path.lastIndexOf('.'))}.template.spec.restartPolicy`;
    errors.push(invalid(field, policy ?? '', 'only "Never" is supported when podFailurePolicy is specified'));
  }
  return [...errors, ...rules.flatMap((rule, i) => validateRule(rule, `${path}.rules[${i}]`, { spec, names }))];
}

interface RuleContext {
  readonly spec: JobSpec;
  readonly names: ReadonlySet<string>;
}

function validateRule(rule: PodFailurePolicyRule, path: string, context: RuleContext): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const errors = oneOf(`${path}.action`, action, actions);
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
    errors.push(...oneOf(`${at}.status`, status, ['False', 'True', 'Unknown']));
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
  const { operator, values = [], containerName } = codes;
  const errors = oneOf(`${path}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !names.has(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalid(`${path}.containerName`, containerName, why));
  }
  const at = `${path}.values`;
  if (values.length === 0) errors.push(invalid(at, values, 'at least one value is required'));
  else if (values.length > maxExitCodes) errors.push(tooMany(at, values.length, maxExitCodes));
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0)
      errors.push(invalid(`${at}[${i}]`, value, 'must not be 0 for the In operator'));
    if (values.indexOf(value) < i) errors.push(duplicate(`${at}[${i}]`, value));
  }
  const sorted = values.every((value, i) => i === 0 || values[i - 1]! <= value);
  return sorted ? errors : [...errors, invalid(at, values, 'must be ordered')];
}

export function validateSuccessPolicy(
  { successPolicy, completionMode, completions = 0 }: JobSpec,
  path: string,
): FieldError[] {
  if (!successPolicy) return [];
  if (completionMode !== 'Indexed') return [invalid(path, successPolicy, 'requires indexed completion mode')];
  const rules = successPolicy.rules ?? [];
  const at = `${path}.rules`;
  if (rules.length === 0)
    return [required(at, 'at least one rules must be specified when the successPolicy is specified')];
  return [
    ...(rules.length > maxRules ? [tooMany(at, rules.length, maxRules)] : []),
    ...rules.flatMap((rule, i) => validateSuccessRule(rule, `${at}[${i}]`, completions)),
  ];
}

function validateSuccessRule(rule: SuccessPolicyRule, path: string, completions: number): FieldError[] {
  const { succeededCount, succeededIndexes } = rule;
  if (succeededCount === undefined && succeededIndexes === undefined) {
    return [required(path, 'at least one of succeededCount or succeededIndexes must be specified')];
  }
  const errors: FieldError[] = [];
  let most = completions;
  if (succeededIndexes !== undefined) {
    const count = countIndexes(succeededIndexes, completions);
    if (typeof count === 'string') {
      return [invalid(`${path}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${count}`)];
    }
    most = count;
  }
  if (succeededCount !== undefined) {
    const field = `${path}.succeededCount`;
    if (succeededCount < 0) errors.push(invalid(field, succeededCount, 'must be greater than or equal to 0'));
    else if (succeededCount > most) {
      const what =
        succeededIndexes === undefined ? 'specified completions' : 'indexes in the specified succeededIndexes field';
      errors.push(invalid(field, succeededCount, `must be less than or equal to ${most} (the number of ${what})`));
    }
  }
  return errors;
}

/** How many indexes a text such as `1,3-5` names, or why it names none. */
function countIndexes(text: string, completions: number): number | string {
  let count = 0;
  let last = -1;
  for (const interval of text === '' ? [] : text.split(',')) {
    const limits = interval.split('-');
    if (limits.length > 2)
      return `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`;
    const numbers = limits.map(Number);
    for (const [i, number] of numbers.entries()) {
      if (!/^[0-9]+$/.test(limits[i]!)) {
        return `cannot convert string to integer for index: ${JSON.stringify(limits[i])}`;
      }
      if (number >= completions) return `too large index: ${JSON.stringify(limits[i])}`;
    }
    const [first = 0, final = first] = numbers;
    if (first <= last) return `non-increasing order, previous: ${last}, current: ${first}`;
    if (final < first || (limits.length === 2 && final === first)) {
      return `non-increasing order, previous: ${first}, current: ${final}`;
    }
    count += final - first + 1;
    last = final;
  }
  return count;
}
