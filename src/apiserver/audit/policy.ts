// The audit policy (audit.k8s.io/v1 Policy): which requests are told of, and how much. The first rule that matches a
// request decides; a request that none matches is not told of.
import { aggregate } from '../../apimachinery/aggregate.ts';
import { type FieldError, fieldError, fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain } from '../../apimachinery/validation/names.ts';
import { bool, decodeConfiguration, list, struct, text, texts } from '../configuration-decode.ts';
import type { User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';

export type AuditLevel = 'None' | 'Metadata' | 'Request' | 'RequestResponse';
export type AuditStage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

export interface AuditResources {
  /** Empty for the core group; `*` for any. */
  readonly group?: string;
  /** `pods`, `pods/log`, all subresources of pods, one subresource of all, or all; none means all of the group. */
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface AuditRule {
  readonly level: AuditLevel;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly AuditResources[];
  /** The empty text stands for resources outside namespaces. */
  readonly namespaces?: readonly string[];
  /** Paths, `*`, or with a final `*`. */
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

/** What is told of one request. */
export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean;
}

const levels: readonly string[] = ['None', 'Metadata', 'Request', 'RequestResponse'];
const stages: readonly string[] = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'];
const stagesShape = list({ text: 'v1.Stage' });
const policyShape = struct('Policy', {
  apiVersion: text,
  kind: text,
  metadata: struct('ObjectMeta', { name: text, namespace: text, uid: { text: 'types.UID' }, resourceVersion: text }),
  omitStages: stagesShape,
  omitManagedFields: bool,
  rules: list(
    struct('PolicyRule', {
      level: { text: 'v1.Level' },
      users: texts,
      userGroups: texts,
      verbs: texts,
      resources: list(struct('GroupResources', { group: text, resources: texts, resourceNames: texts })),
      namespaces: texts,
      nonResourceURLs: texts,
      omitStages: stagesShape,
      omitManagedFields: bool,
    }),
  ),
});
const nothing: AuditDecision = { level: 'None', omitStages: new Set(), omitManagedFields: false };

/**
 * Checks a parsed policy file, by upstream's rules and in its words. Fields that it does not know stand for nothing, as there. Throws
 * an Error that names the fields at fault.
 */
export function checkPolicy(value: unknown): AuditPolicy {
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
  if (apiVersion !== 'audit.k8s.io/v1' || kind !== 'Policy') {
    throw new Error('expected apiVersion audit.k8s.io/v1 and kind Policy');
  }
  const { rules = [], ...policy } = decodedPolicy(value);
  const checked: AuditPolicy = { ...policy, rules };
  const errors = [
    ...stageErrors(checked.omitStages, 'omitStages'),
    ...rules.flatMap((rule, i) => ruleErrors(rule, `rules[${i}]`)),
  ];
  if (errors.length > 0) throw new Error(aggregate(errors.map(fieldErrorMessage)));
  if (rules.length === 0) throw new Error('loaded illegal policy with 0 rules');
  return checked;
}

function decodedPolicy(value: unknown): Partial<AuditPolicy> {
  try {
    // Levels and stages are checked by who asks.
    return decodeConfiguration(value, policyShape, { isStrict: false }) as Partial<AuditPolicy>;
  } catch (error) {
    throw new Error(`failed decoding: ${(error as Error).message}`, { cause: error });
  }
}

function ruleErrors(rule: AuditRule, path: string): FieldError[] {
  const { level = '', nonResourceURLs: urls = [], resources = [], namespaces = [], omitStages } = rule;
  const isMixed = urls.length > 0 && (resources.length > 0 || namespaces.length > 0);
  const mixed = 'rules cannot apply to both regular resources and non-resource URLs';
  return [
    ...levelErrors(level, `${path}.level`),
    ...urls.flatMap((url, i) => urlErrors(url, `${path}.nonResourceURLs[${i}]`)),
    ...resources.flatMap((one) => resourceErrors(one, `${path}.resources`)),
    ...stageErrors(omitStages, `${path}.omitStages`),
    ...(isMixed ? [fieldError.invalid(`${path}.nonResourceURLs`, urls, mixed)] : []),
  ];
}

function levelErrors(level: string, path: string): FieldError[] {
  if (level === '') return [fieldError.required(path)];
  return levels.includes(level) ? [] : [fieldError.notSupported(path, level, levels)];
}

function urlErrors(url: string, path: string): FieldError[] {
  if (url === '*') return [];
  const slash = "non-resource URL rules must begin with a '/' character";
  const star = "non-resource URL wildcards '*' must be the final character of the rule";
  return [
    ...(url.startsWith('/') ? [] : [fieldError.invalid(path, url, slash)]),
    ...(url.slice(0, -1).includes('*') ? [fieldError.invalid(path, url, star)] : []),
  ];
}

function resourceErrors({ group = '', resources = [], resourceNames = [] }: AuditResources, path: string) {
  const wrong = group === '' || group === '*' ? [] : dns1123Subdomain(group);
  const nameless = 'using resourceNames requires at least one resource';
  return [
    ...(wrong.length > 0 ? [fieldError.invalid(`${path}.group`, group, wrong.join(','))] : []),
    ...(resourceNames.length > 0 && resources.length === 0
      ? [fieldError.invalid(`${path}.resourceNames`, resourceNames, nameless)]
      : []),
  ];
}

function stageErrors(given: readonly string[] = [], path: string): FieldError[] {
  const why = `allowed stages are ${stages.join(',')}`;
  return given.flatMap((stage, i) => (stages.includes(stage) ? [] : [fieldError.invalid(`${path}[${i}]`, stage, why)]));
}

/** What the policy says of a request. `user` is who asks, not whom they act as. */
export function decide(policy: AuditPolicy, user: User, info: RequestInfo): AuditDecision {
  const rule = policy.rules.find((one) => matches(one, user, info));
  if (!rule || rule.level === 'None') return nothing;
  return {
    level: rule.level,
    omitStages: new Set([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])]),
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}

function isAny<T>(list: readonly T[] | undefined): boolean {
  return list === undefined || list.length === 0;
}

function matches(rule: AuditRule, user: User, info: RequestInfo): boolean {
  if (!isAny(rule.users) && !rule.users!.includes(user.name)) return false;
  if (!isAny(rule.userGroups) && !rule.userGroups!.some((group) => user.groups.includes(group))) return false;
  if (!isAny(rule.verbs) && !rule.verbs!.includes(info.verb)) return false;
  if (!isAny(rule.namespaces) || !isAny(rule.resources)) return info.isResource && matchesResource(rule, info);
  if (!isAny(rule.nonResourceURLs)) return !info.isResource && matchesPath(rule.nonResourceURLs!, info.path);
  return true;
}

function matchesResource({ namespaces, resources }: AuditRule, info: RequestInfo): boolean {
  if (!isAny(namespaces) && !namespaces!.includes(info.namespace)) return false;
  if (isAny(resources)) return true;
  const { resource, subresource, name } = info;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const isMeant = (listed: string) =>
    listed === '*' ||
    listed === whole ||
    (subresource !== '' && listed === `*/${subresource}`) ||
    listed === `${resource}/*`;
  return resources!.some(
    (one) =>
      (one.group === '*' || (one.group ?? '') === info.group) &&
      (isAny(one.resources) ||
        ((isAny(one.resourceNames) || one.resourceNames!.includes(name)) && one.resources!.some(isMeant))),
  );
}

function matchesPath(listed: readonly string[], path: string): boolean {
  return listed.some((url) => url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))));
}
