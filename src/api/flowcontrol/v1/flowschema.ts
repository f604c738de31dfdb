import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { requiredText } from '../../validation/values.ts';
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from './types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

const maxPrecedence = 10_000;
const verbs = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'head',
  'list',
  'options',
  'patch',
  'post',
  'proxy',
  'put',
  'update',
  'watch',
];
/** The flow schemas that are there for whatever no other matches. */
const mandatory = ['catch-all', 'exempt'];

function validate({ metadata, spec }: FlowSchema): FieldError[] {
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec ?? {};
  const at = 'spec.matchingPrecedence';
  const errors: FieldError[] = [];
  if (matchingPrecedence <= 0) errors.push(invalid(at, matchingPrecedence, 'must be a positive value'));
  if (matchingPrecedence > maxPrecedence) {
    errors.push(invalid(at, matchingPrecedence, `must not be greater than ${maxPrecedence}`));
  }
  if (matchingPrecedence === 1 && metadata.name !== 'exempt') {
    errors.push(invalid(at, matchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (distinguisherMethod && !['ByNamespace', 'ByUser'].includes(distinguisherMethod.type)) {
    const supported = ['ByNamespace', 'ByUser'];
    errors.push(notSupported('spec.distinguisherMethod', distinguisherMethod, supported));
  }
  const level = 'spec.priorityLevelConfiguration.name';
  const name = priorityLevelConfiguration?.name;
  errors.push(
    ...(name ? nameErrors(dns1123Subdomain, level, name) : [required(level, 'must reference a priority level')]),
  );
  if (mandatory.includes(metadata.name) && name !== metadata.name) {
    errors.push(invalid('spec', name ?? '', `spec of '${metadata.name}' must equal the fixed value`));
  }
  return [...errors, ...rules.flatMap((rule, i) => validateRule(rule, `spec.rules[${i}]`))];
}

function validateRule(rule: PolicyRulesWithSubjects, path: string): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const errors = subjects.flatMap((subject, i) => validateSubject(subject, `${path}.subjects[${i}]`));
  if (subjects.length === 0) errors.push(required(`${path}.subjects`, 'subjects must contain at least one value'));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  return [
    ...errors,
    ...resourceRules.flatMap((one, i) => validateResourceRule(one, `${path}.resourceRules[${i}]`)),
    ...nonResourceRules.flatMap((one, i) => validateNonResourceRule(one, `${path}.nonResourceRules[${i}]`)),
  ];
}

/** The field that is named for the kind says who; the others say nothing. */
function validateSubject({ kind, user, group, serviceAccount }: Subject, path: string): FieldError[] {
  const given = { User: user, Group: group, ServiceAccount: serviceAccount };
  if (!Object.hasOwn(given, kind)) return [notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User'])];
  const lower = (of: string): string => of[0]!.toLowerCase() + of.slice(1);
  const errors = Object.entries(given)
    .filter(([of, value]) => of !== kind && value !== undefined)
    .map(([of]) => forbidden(`${path}.${lower(of)}`, `${lower(of)} is forbidden when subject kind is not '${of}'`));
  const own = given[kind as keyof typeof given];
  const field = `${path}.${lower(kind)}`;
  if (!own) return [...errors, required(field, `${lower(kind)} is required when subject kind is '${kind}'`)];
  if (serviceAccount && kind === 'ServiceAccount') {
    const at = `${path}.serviceAccount`;
    const { name, namespace } = serviceAccount;
    if (!name) errors.push(required(`${at}.name`));
    else if (name !== '*') errors.push(...nameErrors(dns1123Subdomain, `${at}.name`, name));
    if (!namespace) return [...errors, required(`${at}.namespace`, 'must specify namespace for service account')];
    return [...errors, ...nameErrors(dns1123Label, `${at}.namespace`, namespace)];
  }
  return [...errors, ...requiredText(`${field}.name`, own.name)];
}

/** Verbs: all of them, or known ones. */
function validateVerbs(list: readonly string[], path: string): FieldError[] {
  if (list.length === 0) return [required(`${path}.verbs`, 'verbs must contain at least one value')];
  if (list.includes('*')) {
    if (list.length === 1) return [];
    return [invalid(`${path}.verbs`, list, "if '*' is present, must not specify other verbs")];
  }
  const unknown = list.some((verb) => !verbs.includes(verb));
  return unknown ? [notSupported(`${path}.verbs`, list, [...verbs])] : [];
}

function validateNonResourceRule(
  { verbs: list = [], nonResourceURLs = [] }: NonResourcePolicyRule,
  path: string,
): FieldError[] {
  const at = `${path}.nonResourceURLs`;
  const errors = validateVerbs(list, path);
  if (nonResourceURLs.length === 0) {
    return [...errors, required(at, 'nonResourceURLs must contain at least one value')];
  }
  if (nonResourceURLs.includes('*') && nonResourceURLs.length > 1) {
    return [...errors, invalid(at, nonResourceURLs, "if '*' is present, must not specify other non-resource URLs")];
  }
  if (nonResourceURLs.includes('*')) return errors;
  return [
    ...errors,
    ...nonResourceURLs.flatMap((url, i) => {
      const field = `${at}[${i}]`;
      if (url === '') return [invalid(field, url, 'nonResourceURL must not be empty')];
      if (url === '/') return [];
      const wrong: FieldError[] = [];
      if (!url.startsWith('/')) wrong.push(invalid(field, url, "nonResourceURL must start with '/'"));
      if (url.includes(' ')) wrong.push(invalid(field, url, 'nonResourceURL must not contain white-space'));
      if (url.includes('//')) wrong.push(invalid(field, url, 'nonResourceURL must not contain double slash'));
      if (url.slice(0, -1).includes('*') || (url.endsWith('*') && !url.endsWith('/*'))) {
        wrong.push(invalid(field, url, "nonResourceURL wildcard '*' may only do suffix glob matching"));
      }
      return wrong;
    }),
  ];
}

function validateResourceRule(rule: ResourcePolicyRule, path: string): FieldError[] {
  const { verbs: list = [], apiGroups = [], resources = [], namespaces = [], clusterScope = false } = rule;
  const errors = validateVerbs(list, path);
  const whole = (field: string, values: readonly string[], what: string): FieldError[] => {
    if (values.length === 0) return [required(`${path}.${field}`, `resource rules must supply at least one ${what}`)];
    if (values.length === 1 || !values.includes('*')) return [];
    return [invalid(`${path}.${field}`, values, `if '*' is present, must not specify other ${what}s`)];
  };
  errors.push(...whole('apiGroups', apiGroups, 'api group'), ...whole('resources', resources, 'resource'));
  if (namespaces.length === 0 && !clusterScope) {
    const why = 'resource rules that are not cluster scoped must supply at least one namespace';
    return [...errors, required(`${path}.namespaces`, why)];
  }
  if (namespaces.includes('*')) {
    if (namespaces.length === 1) return errors;
    return [
      ...errors,
      invalid(`${path}.namespaces`, namespaces, "if '*' is present, must not specify other namespaces"),
    ];
  }
  return [...errors, ...namespaces.flatMap((name, i) => nameErrors(dns1123Label, `${path}.namespaces[${i}]`, name))];
}

function missingLevel({ status }: FlowSchema): string {
  return status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?';
}

/** Which requests share a priority level, and how they are told apart. */
export const flowSchema: Kind<FlowSchema> = {
  countsGeneration: true,
  strategy: {
    default({ spec }) {
      if (spec) spec.matchingPrecedence ||= 1000;
    },
    validate,
    validateUpdate: validate,
  },
  columns: [
    nameColumn,
    column('PriorityLevel', 'The level of the requests that match.'),
    column('MatchingPrecedence', 'The least matches first.'),
    column('DistinguisherMethod', 'What makes a flow of its own: a user or a namespace.'),
    ageColumn,
    column('MissingPL', 'Whether there is no such level.'),
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.spec?.priorityLevelConfiguration?.name ?? '',
    String(object.spec?.matchingPrecedence ?? 0),
    object.spec?.distinguisherMethod?.type ?? '<none>',
    ageCell(object, now),
    missingLevel(object),
  ],
};
