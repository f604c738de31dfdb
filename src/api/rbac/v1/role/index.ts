import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { pathSegment } from '../../../../apimachinery/validation/names.ts';
import type { Kind } from '../../../define.ts';
import { validateLabelSelector } from '../../../validation/selectors.ts';
import type { ClusterRole, PolicyRule, Role } from '../types.generated.ts';

const { required, invalid } = fieldError;

function validateRule(rule: PolicyRule, path: string, namespaced: boolean): FieldError[] {
  const { verbs = [], nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  const errors: FieldError[] = [];
  if (verbs.length === 0) errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    const at = `${path}.nonResourceURLs`;
    if (namespaced) errors.push(invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      errors.push(invalid(at, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
    }
    return errors;
  }
  if (apiGroups.length === 0)
    errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0)
    errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}

const validate =
  (namespaced: boolean) =>
  ({ rules = [] }: Role): FieldError[] =>
    (rules ?? []).flatMap((rule, i) => validateRule(rule, `rules[${i}]`, namespaced));

export const role: Kind<Role> = {
  nameRule: pathSegment,
  allowCreateOnUpdate: true,
  strategy: { validate: validate(true), validateUpdate: validate(true) },
};

/** A role that gathers others says which. */
function validateAggregation({ aggregationRule }: ClusterRole): FieldError[] {
  if (!aggregationRule) return [];
  const at = 'aggregationRule.clusterRoleSelectors';
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    return [required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  }
  return selectors.flatMap((selector, i) => {
    const errors = validateLabelSelector(selector, `${at}[${i}]`);
    // As upstream, which prints what it could not make of it.
    return errors.length === 0 ? [] : [...errors, invalid(`${at}[${i}]`, null, 'invalid label selector.')];
  });
}

const validateClusterRole = (object: ClusterRole): FieldError[] => [
  ...validate(false)(object),
  ...validateAggregation(object),
];

export const clusterRole: Kind<ClusterRole> = {
  nameRule: pathSegment,
  allowCreateOnUpdate: true,
  strategy: { validate: validateClusterRole, validateUpdate: validateClusterRole },
};
