// The audit policy (audit.k8s.io/v1 Policy): which requests are told of, and how much. The first rule that matches a
// request decides; a request that none matches is not told of.
import type { User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';

export type AuditLevel = 'None' | 'Metadata' | 'Request' | 'RequestResponse';
export type AuditStage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

export interface AuditResources {
  /** Empty for the core group. */
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
const listFields = ['users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs', 'omitStages'];
const ruleFields = new Set(['level', 'omitManagedFields', ...listFields]);
const nothing: AuditDecision = { level: 'None', omitStages: new Set(), omitManagedFields: false };

/** Checks a parsed policy file. Throws an Error that names the field at fault. */
export function checkPolicy(value: unknown): AuditPolicy {
  const policy = record(value, 'the policy');
  if (policy.apiVersion !== 'audit.k8s.io/v1' || policy.kind !== 'Policy') {
    throw new Error('expected apiVersion audit.k8s.io/v1 and kind Policy');
  }
  if (!Array.isArray(policy.rules) || policy.rules.length === 0) throw new Error('rules: at least one is required');
  checkStages(policy.omitStages, 'omitStages');
  policy.rules.forEach((rule, i) => {
    checkRule(record(rule, `rules[${i}]`), `rules[${i}]`);
  });
  return policy as unknown as AuditPolicy;
}

function record(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${path}: expected a map`);
}

function checkRule(rule: Record<string, unknown>, path: string): void {
  const unknown = Object.keys(rule).find((field) => !ruleFields.has(field));
  if (unknown !== undefined) throw new Error(`${path}.${unknown}: unknown field`);
  if (typeof rule.level !== 'string' || !levels.includes(rule.level)) {
    throw new Error(`${path}.level: must be one of ${levels.join(', ')}`);
  }
  for (const field of listFields) {
    if (rule[field] !== undefined && !Array.isArray(rule[field])) throw new Error(`${path}.${field}: expected a list`);
  }
  checkStages(rule.omitStages, `${path}.omitStages`);
  const paths = (rule.nonResourceURLs ?? []) as readonly string[];
  const ofResources = [rule.resources, rule.namespaces].some((list) => ((list ?? []) as unknown[]).length > 0);
  if (paths.length > 0 && ofResources) {
    throw new Error(`${path}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`);
  }
  for (const url of paths) {
    if (url !== '*' && !url.startsWith('/')) throw new Error(`${path}.nonResourceURLs: ${url} must begin with a slash`);
    if (url.slice(0, -1).includes('*')) throw new Error(`${path}.nonResourceURLs: ${url}: * only at the end`);
  }
}

function checkStages(list: unknown, path: string): void {
  if (list === undefined) return;
  const wrong = Array.isArray(list) ? list.find((stage) => !stages.includes(stage as string)) : list;
  if (wrong !== undefined) throw new Error(`${path}: ${String(wrong)} is not one of ${stages.join(', ')}`);
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
      (one.group ?? '') === info.group &&
      (isAny(one.resources) ||
        ((isAny(one.resourceNames) || one.resourceNames!.includes(name)) && one.resources!.some(isMeant))),
  );
}

function matchesPath(listed: readonly string[], path: string): boolean {
  return listed.some((url) => url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))));
}
