// `--authorization-mode ABAC`: a file of policies, one JSON object a line (abac.authorization.kubernetes.io/v1beta1). Pure.
import type { PolicyRule } from '../../api/rbac/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { Attributes } from '../access-control.ts';
import type { User } from '../request.ts';
import type { AuthorizerLink } from './union-authorizer.ts';

/** `*` stands for all; what is not there matches nothing but what is empty. */
export interface AbacPolicy {
  readonly user?: string;
  readonly group?: string;
  readonly readonly?: boolean;
  readonly apiGroup?: string;
  readonly resource?: string;
  readonly namespace?: string;
  /** A final `*` stands for all below. */
  readonly nonResourcePath?: string;
}

const reading = ['get', 'list', 'watch'];
const version = 'abac.authorization.kubernetes.io/v1beta1';

/** Throws an Error that names the line which cannot be read. Empty lines and those after `#` say nothing. */
export function parsePolicies(text: string, path: string): readonly AbacPolicy[] {
  const policies: AbacPolicy[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    try {
      policies.push(parsePolicy(trimmed));
    } catch (error) {
      const why = errorMessage(error);
      throw new Error(`error reading policy file ${path}, line ${i + 1}: ${line}: ${why}`, { cause: error });
    }
  }
  return policies;
}

function parsePolicy(line: string): AbacPolicy {
  const { apiVersion, kind, spec = {} } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  if (apiVersion !== version || kind !== 'Policy') throw new Error(`expected apiVersion ${version} and kind Policy`);
  const { readonly: isReadonly, ...texts } = spec as Readonly<Record<string, unknown>>;
  const names = ['user', 'group', 'apiGroup', 'resource', 'namespace', 'nonResourcePath'] as const;
  const policy: Record<string, string> = {};
  for (const name of names) {
    const { [name]: value = '' } = texts;
    if (typeof value !== 'string') throw new Error(`spec.${name}: must be a text`);
    policy[name] = value;
  }
  if (isReadonly !== undefined && typeof isReadonly !== 'boolean')
    throw new Error('spec.readonly: must be true or false');
  return { ...policy, ...(isReadonly && { readonly: true }) };
}

export function abacLink(policies: readonly AbacPolicy[]): AuthorizerLink {
  return {
    type: 'ABAC',
    name: 'abac',
    authorize(attributes) {
      const isAllowed = policies.some((policy) => policyAllows(policy, attributes));
      return isAllowed ? { decision: 'allow' } : { decision: 'none', reason: 'No policy matched.' };
    },
    rulesFor: (user, namespace) => ({
      rules: policies.flatMap((policy) => rulesOf(policy, user, namespace)),
      incomplete: false,
    }),
  };
}

function policyAllows(policy: AbacPolicy, { user, verb, info }: Attributes): boolean {
  if (!isAbout(policy, user) || (policy.readonly && !reading.includes(verb))) return false;
  if (!info.isResource) return matchesPath(policy.nonResourcePath ?? '', info.path);
  return (
    matches(policy.namespace, info.namespace) &&
    matches(policy.resource, info.resource) &&
    matches(policy.apiGroup, info.group)
  );
}

/** A policy that names neither user nor group is about nobody. */
function isAbout({ user = '', group = '' }: AbacPolicy, { name, groups }: User): boolean {
  if (user === '' && group === '') return false;
  return (user === '' || matches(user, name)) && (group === '' || group === '*' || groups.includes(group));
}

function matches(pattern = '', value: string): boolean {
  return pattern === '*' || pattern === value;
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')));
}

function rulesOf(policy: AbacPolicy, user: User, namespace: string): PolicyRule[] {
  if (!isAbout(policy, user) || !matches(policy.namespace, namespace)) return [];
  const verbs = policy.readonly ? [...reading] : ['*'];
  const { apiGroup = '', resource, nonResourcePath } = policy;
  return [
    ...(resource ? [{ verbs, apiGroups: [apiGroup], resources: [resource] }] : []),
    ...(nonResourcePath ? [{ verbs, nonResourceURLs: [nonResourcePath] }] : []),
  ];
}
