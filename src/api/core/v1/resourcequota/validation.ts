import { table } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { immutableMessage } from '../../../../apimachinery/validation/object-meta.ts';
import { quotaNames, validateResourceName, validateResourceQuantity } from '../../../validation/quantities.ts';
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../types.generated.ts';

const { required, invalid } = fieldError;

const computeNames = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];
const claimNames = ['persistentvolumeclaims', 'requests.storage'];
function isStandard(name: string): boolean {
  return quotaNames.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-');
}

/** The standard resources that a quota with the scope may limit, by the name of the scope. */
const scopes = table<readonly string[]>({
  Terminating: ['pods', ...computeNames],
  NotTerminating: ['pods', ...computeNames],
  NotBestEffort: ['pods', ...computeNames],
  PriorityClass: ['pods', ...computeNames],
  CrossNamespacePodAffinity: ['pods', ...computeNames],
  BestEffort: ['pods'],
  VolumeAttributesClass: claimNames,
});
const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['NotTerminating', 'Terminating'],
] as const;
const withoutValues = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];

export function validateQuota({ spec }: ResourceQuota): FieldError[] {
  return [...validateHard(spec?.hard, 'spec.hard'), ...validateScopes(spec ?? {}), ...validateSelector(spec ?? {})];
}

function validateHard(list: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return Object.keys(list ?? {})
    .sort()
    .flatMap((name) => {
      const at = `${path}[${name}]`;
      const errors = isStandard(name) ? [] : validateResourceName(at, name);
      if (!name.includes('/') && !isStandard(name)) {
        errors.push(invalid(at, name, 'must be a standard resource for quota'));
      }
      return [...errors, ...validateResourceQuantity(at, name, list![name]!)];
    });
}

function unfit(scope: string, { hard = {} }: ResourceQuotaSpec): string[] {
  const allowed = scopes[scope];
  return Object.keys(hard).filter((name) => isStandard(name) && allowed && !allowed.includes(name));
}

function hasOpposites(names: readonly string[]): number {
  return opposites.filter((pair) => pair.every((name) => names.includes(name))).length;
}

function validateScopes(spec: ResourceQuotaSpec): FieldError[] {
  const path = 'spec.scopes';
  const given = spec.scopes ?? [];
  const refuse = (why: string) => invalid(path, spec.scopes, why);
  const errors = given.flatMap((scope) => [
    ...(scope in scopes ? [] : [refuse('unsupported scope')]),
    ...unfit(scope, spec).map(() => refuse('unsupported scope applied to resource')),
  ]);
  return [...errors, ...Array.from({ length: hasOpposites(given) }, () => refuse('conflicting scopes'))];
}

function validateSelector(spec: ResourceQuotaSpec): FieldError[] {
  const selector = spec.scopeSelector;
  if (!selector) return [];
  const path = 'spec.scopeSelector.matchExpressions';
  const requirements = selector.matchExpressions ?? [];
  const errors = requirements.flatMap((requirement) => [
    ...(requirement.scopeName in scopes
      ? []
      : [invalid(`${path}.scopeName`, requirement.scopeName, 'unsupported scope')]),
    ...unfit(requirement.scopeName, spec).map(() => invalid(path, selector, 'unsupported scope applied to resource')),
    ...validateOperator(requirement, path),
  ]);
  const conflicts = hasOpposites(requirements.map(({ scopeName }) => scopeName));
  // Upstream prints the other list of scopes here.
  return [...errors, ...Array.from({ length: conflicts }, () => invalid(path, spec.scopes, 'conflicting scopes'))];
}

function validateOperator(requirement: ScopedResourceSelectorRequirement, path: string): FieldError[] {
  const { scopeName, operator, values = [] } = requirement;
  const errors: FieldError[] = [];
  if (withoutValues.includes(scopeName) && operator !== 'Exists') {
    const why =
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    errors.push(invalid(`${path}.operator`, operator, why));
  }
  if (operator === 'In' || operator === 'NotIn') {
    const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) errors.push(required(`${path}.values`, why));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (values.length > 0) errors.push(invalid(`${path}.values`, values, why));
  } else {
    errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  }
  return errors;
}

/** Scopes stay: what is used was counted by them. */
export function validateQuotaUpdate(quota: ResourceQuota, old: ResourceQuota): FieldError[] {
  const sorted = ({ spec }: ResourceQuota): string => [...new Set(spec?.scopes)].sort().join();
  const errors = validateQuota(quota);
  if (sorted(quota) !== sorted(old)) errors.push(invalid('spec.scopes', quota.spec?.scopes, immutableMessage));
  return errors;
}

export function validateQuotaStatus({ status }: ResourceQuota): FieldError[] {
  return [...validateHard(status?.hard, 'status.hard'), ...validateHard(status?.used, 'status.used')];
}
