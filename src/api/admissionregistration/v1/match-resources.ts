// What webhooks and policies say of the requests that they are about: defaults and validation.
import type { LabelSelector } from '../../../apimachinery/meta/v1.generated.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain, pathSegment, qualifiedName } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { validateLabelSelector } from '../../validation/selectors.ts';
import { optionalOneOf } from '../../validation/values.ts';
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  ParamRef,
  RuleWithOperations,
} from './types.generated.ts';

const { required, invalid, duplicate, forbidden, tooMany } = fieldError;

export const failurePolicies = ['Fail', 'Ignore'];
const matchPolicies = ['Equivalent', 'Exact'];
const scopes = ['*', 'Cluster', 'Namespaced'];
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const mostConditions = 64;

export function validateMatchPolicy(path: string, value: string | undefined): FieldError[] {
  return optionalOneOf(path, value, matchPolicies);
}

export function defaultRules(rules: RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*';
}

export function defaultMatchResources(resources: MatchResources | undefined): void {
  if (!resources) return;
  resources.matchPolicy ??= 'Equivalent';
  resources.namespaceSelector ??= {};
  resources.objectSelector ??= {};
  defaultRules(resources.resourceRules);
  defaultRules(resources.excludeResourceRules);
}

export function validateRule(rule: RuleWithOperations, path: string): FieldError[] {
  const { operations: given = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const errors: FieldError[] = [];
  const alone = (field: string, values: readonly string[], what: string) => {
    if (values.length === 0) errors.push(required(`${path}.${field}`));
    if (values.length > 1 && values.includes('*')) {
      errors.push(invalid(`${path}.${field}`, values, `if '*' is present, must not specify other ${what}`));
    }
  };
  alone('operations', given, 'operations');
  for (const [i, one] of given.entries()) errors.push(...optionalOneOf(`${path}.operations[${i}]`, one, operations));
  alone('apiGroups', apiGroups, 'API groups');
  alone('apiVersions', apiVersions, 'API versions');
  for (const [i, one] of apiVersions.entries()) if (one === '') errors.push(required(`${path}.apiVersions[${i}]`));
  errors.push(...validateResources(resources, `${path}.resources`));
  errors.push(...optionalOneOf(`${path}.scope`, scope, scopes));
  return errors;
}

function validateResources(resources: readonly string[], path: string): FieldError[] {
  if (resources.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  const wholeResources = new Set<string>();
  const wholeSubresources = new Set<string>();
  let hasPlain = false;
  for (const [i, one] of resources.entries()) {
    if (one === '') {
      errors.push(required(`${path}[${i}]`));
      continue;
    }
    const slash = one.indexOf('/');
    if (slash < 0) {
      hasPlain = one !== '*';
      continue;
    }
    const resource = one.slice(0, slash);
    const sub = one.slice(slash + 1);
    const clash = (pattern: string) =>
      errors.push(invalid(`${path}[${i}]`, one, `if '${pattern}' is present, must not specify ${one}`));
    if (wholeResources.has(resource)) clash(`${resource}/*`);
    if (wholeSubresources.has(sub)) clash(`*/${sub}`);
    if (sub === '*') wholeResources.add(resource);
    if (resource === '*') wholeSubresources.add(sub);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && hasPlain) {
    const why = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalid(path, resources, why));
  }
  return errors;
}

function validateNamedRule(rule: NamedRuleWithOperations, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, name] of (rule.resourceNames ?? []).entries()) {
    errors.push(...nameErrors(pathSegment, `${path}.resourceNames[${i}]`, name));
    if (seen.has(name)) errors.push(duplicate(`${path}.resourceNames[${i}]`, name));
    seen.add(name);
  }
  return [...errors, ...validateRule(rule, path)];
}

export function validateMatchResources(resources: MatchResources | undefined, path: string): FieldError[] {
  if (!resources) return [];
  const selector = (field: string, value: LabelSelector | undefined) =>
    value ? validateLabelSelector(value, `${path}.${field}`) : [required(`${path}.${field}`)];
  const { matchPolicy, resourceRules = [], excludeResourceRules = [] } = resources;
  return [
    ...(matchPolicy === undefined
      ? [required(`${path}.matchPolicy`)]
      : validateMatchPolicy(`${path}.matchPolicy`, matchPolicy)),
    ...selector('namespaceSelector', resources.namespaceSelector),
    ...selector('objectSelector', resources.objectSelector),
    ...resourceRules.flatMap((rule, i) => validateNamedRule(rule, `${path}.resourceRules[${i}]`)),
    ...excludeResourceRules.flatMap((rule, i) => validateNamedRule(rule, `${path}.excludeResourceRules[${i}]`)),
  ];
}

/** All but the expressions themselves: admission compiles those. */
export function validateMatchConditions(conditions: readonly MatchCondition[] = [], path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (conditions.length > mostConditions) errors.push(tooMany(path, conditions.length, mostConditions));
  const seen = new Set<string>();
  for (const [i, { name, expression }] of conditions.entries()) {
    if ((expression ?? '').trim() === '') errors.push(required(`${path}[${i}].expression`));
    if (!name) errors.push(required(`${path}[${i}].name`));
    else errors.push(...nameErrors(qualifiedName, `${path}[${i}].name`, name));
    if (name && seen.has(name)) errors.push(duplicate(`${path}[${i}].name`, name));
    seen.add(name);
  }
  return errors;
}

export function validateParamRef(ref: ParamRef | undefined, path: string): FieldError[] {
  if (!ref) return [];
  const { name = '', selector, parameterNotFoundAction } = ref;
  const errors: FieldError[] = [];
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') {
    errors.push(...nameErrors(pathSegment, `${path}.name`, name));
    if (selector) errors.push(forbidden(`${path}.name`, exclusive));
  }
  if (selector) {
    errors.push(...validateLabelSelector(selector, `${path}.selector`));
    if (name !== '') errors.push(forbidden(`${path}.selector`, exclusive));
  }
  if (name === '' && !selector) errors.push(required(path, 'one of name or selector must be specified'));
  if (!parameterNotFoundAction) errors.push(required(`${path}.parameterNotFoundAction`));
  else errors.push(...optionalOneOf(`${path}.parameterNotFoundAction`, parameterNotFoundAction, ['Deny', 'Allow']));
  return errors;
}

/** The name of a policy in a binding. */
export function validatePolicyName(name: string | undefined, path: string): FieldError[] {
  return name ? nameErrors(dns1123Subdomain, path, name) : [required(path)];
}
