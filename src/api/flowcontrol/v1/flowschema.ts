import { jsonEqual } from '../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { validateRequiredName } from '../../validation/references.ts';
import { requiredText } from '../../validation/values.ts';
import { mandatoryFlowSchemas } from './mandatory.ts';
import { validateStatusConditions } from './status-conditions.ts';
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  ServiceAccountSubject,
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
    // Upstream prints the whole method, of its own type, which has no JSON names.
    errors.push(notSupported('spec.distinguisherMethod.type', { Type: distinguisherMethod.type }, supported));
  }
  const level = 'spec.priorityLevelConfiguration.name';
  const name = priorityLevelConfiguration?.name;
  errors.push(
    ...(name ? nameErrors(dns1123Subdomain, level, name) : [required(level, 'must reference a priority level')]),
  );
  errors.push(...rules.flatMap((rule, i) => validateRule(rule, `spec.rules[${i}]`)));
  const fixed = mandatoryFlowSchemas.get(metadata.name);
  if (fixed && !jsonEqual(spec, fixed)) {
    errors.push(invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`));
  }
  return errors;
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
  const given = { ServiceAccount: serviceAccount, User: user, Group: group };
  if (!Object.hasOwn(given, kind)) return [notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User'])];
  const lower = (of: string): string => of[0]!.toLowerCase() + of.slice(1);
  const others = Object.entries(given)
    .filter(([of, value]) => of !== kind && value !== undefined)
    .map(([of]) => forbidden(`${path}.${lower(of)}`, `${lower(of)} is forbidden when subject kind is not '${of}'`));
  const own = given[kind as keyof typeof given];
  const field = `${path}.${lower(kind)}`;
  if (!own) return [required(field, `${lower(kind)} is required when subject kind is '${kind}'`), ...others];
  if (kind === 'ServiceAccount' && serviceAccount) return [...validateServiceAccount(serviceAccount, field), ...others];
  return [...requiredText(`${field}.name`, own.name), ...others];
}

function validateServiceAccount({ name, namespace }: ServiceAccountSubject, path: string): FieldError[] {
  const at = `${path}.namespace`;
  return [
    ...(name === '*' ? [] : validateRequiredName(`${path}.name`, name)),
    ...(namespace
      ? nameErrors(dns1123Label, at, namespace)
      : [required(at, 'must specify namespace for service account')]),
  ];
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
      const why = whyNoUrl(url);
      return why === undefined ? [] : [invalid(`${at}[${i}]`, url, why)];
    }),
  ];
}

/** The first thing that is wrong with the path of a URL. */
function whyNoUrl(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const isSuffix = url.indexOf('*') === url.length - 1 && url.endsWith('/*');
  return url.includes('*') && !isSuffix ? 'wildcard can only do suffix matching' : undefined;
}

function validateResourceRule(rule: ResourcePolicyRule, path: string): FieldError[] {
  const { verbs: list = [], apiGroups = [], resources = [], clusterScope = false } = rule;
  const namespaces = rule.namespaces ?? [];
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
  const intro = "each member of this list must be '*' or a DNS-1123 label; ";
  const wrong = namespaces.flatMap((name, i) =>
    dns1123Label(name).map((message) => invalid(`${path}.namespaces[${i}]`, name, `${intro}${message}`)),
  );
  return [...errors, ...wrong];
}

function missingLevel({ status }: FlowSchema): string {
  return status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?';
}

/** The order in which they are asked: the lower precedence first, then the name. */
export function compareFlowSchemas(a: FlowSchema, b: FlowSchema): number {
  const difference = (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0);
  return difference || (a.metadata.name < b.metadata.name ? -1 : 1);
}

/** Which requests share a priority level, and how they are told apart. */
export const flowSchema: Kind<FlowSchema> = {
  countsGeneration: true,
  statusKeeps: 'metadata',
  strategy: {
    default({ spec }) {
      if (spec) spec.matchingPrecedence ||= 1000;
    },
    validate,
    validateUpdate: validate,
    validateStatusUpdate: validateStatusConditions,
  },
  rowOrder: compareFlowSchemas,
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
