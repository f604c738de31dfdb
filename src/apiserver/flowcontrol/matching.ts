// Which FlowSchema a request belongs to (upstream's apiserver/pkg/util/flowcontrol). Pure. Every request comes by here: subjects
// are looked at once for each user, and what is left of a schema then makes no text and no list.
import type {
  FlowSchemaSpec,
  NonResourcePolicyRule,
  ResourcePolicyRule,
  Subject,
} from '../../api/flowcontrol/v1/types.generated.ts';
import type { User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';

/** Undefined: any. */
type Allowed = ReadonlySet<string> | undefined;

interface ResourceRule {
  readonly verbs: Allowed;
  readonly groups: Allowed;
  /** `pods`, `pods/status` */
  readonly resources: Allowed;
  readonly namespaces: Allowed;
  readonly clusterScope: boolean;
}

interface PathRule {
  readonly verbs: Allowed;
  /** Undefined: any. */
  readonly paths: readonly { readonly whole: string; readonly prefix: string }[] | undefined;
}

interface Rules {
  readonly subjects: readonly Subject[];
  readonly resources: readonly ResourceRule[];
  readonly paths: readonly PathRule[];
}

/** A FlowSchema, made ready to be asked. */
export interface FlowRules<T> {
  readonly rules: readonly Rules[];
  /** What a request that matches is told. */
  readonly flow: T;
}

export function readFlowRules<T>({ rules = [] }: FlowSchemaSpec, flow: T): FlowRules<T> {
  const ready = rules.map(({ subjects = [], resourceRules = [], nonResourceRules = [] }) => ({
    subjects,
    resources: resourceRules.map(readResourceRule),
    paths: nonResourceRules.map(readPathRule),
  }));
  return { rules: ready, flow };
}

function readResourceRule({ verbs, apiGroups, resources, namespaces, clusterScope = false }: ResourcePolicyRule) {
  return {
    verbs: allowed(verbs),
    groups: allowed(apiGroups),
    resources: allowed(resources),
    namespaces: allowed(namespaces ?? []),
    clusterScope,
  };
}

function readPathRule({ verbs, nonResourceURLs = [] }: NonResourcePolicyRule): PathRule {
  if (nonResourceURLs.includes('*')) return { verbs: allowed(verbs), paths: undefined };
  // As upstream: `/healthz` is for what lies below it, too.
  const paths = nonResourceURLs.map((whole) => ({ whole, prefix: whole.replace(/\*$/, '').replace(/\/?$/, '/') }));
  return { verbs: allowed(verbs), paths };
}

function allowed(list: readonly string[] = []): Allowed {
  return list.length === 1 && list[0] === '*' ? undefined : new Set(list);
}

/** Those of the schemas that have rules for the user, with these rules alone. */
export function rulesFor<T>(schemas: readonly FlowRules<T>[], user: User): readonly FlowRules<T>[] {
  const found: FlowRules<T>[] = [];
  for (const { rules, flow } of schemas) {
    const own = rules.filter(({ subjects }) => subjects.some((subject) => isSubject(user, subject)));
    if (own.length > 0) found.push({ rules: own, flow });
  }
  return found;
}

const accountPrefix = 'system:serviceaccount:';

function isSubject({ name, groups }: User, subject: Subject): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.user?.name === '*' || subject.user?.name === name;
    case 'Group':
      return subject.group !== undefined && (subject.group.name === '*' || groups.includes(subject.group.name));
    case 'ServiceAccount': {
      if (!subject.serviceAccount) return false;
      const { namespace, name: account } = subject.serviceAccount;
      if (account !== '*') return name === `${accountPrefix}${namespace}:${account}`;
      return name.startsWith(`${accountPrefix}${namespace}:`);
    }
    default:
      return false;
  }
}

/** The flow of the first schema, of those for its user, that has a rule for the request. */
export function firstMatch<T>(schemas: readonly FlowRules<T>[], info: RequestInfo): T | undefined {
  for (const { rules, flow } of schemas) {
    for (const { resources, paths } of rules) {
      if (info.isResource ? isAmongResources(resources, info) : isAmongPaths(paths, info)) return flow;
    }
  }
  return undefined;
}

function isAmongResources(rules: readonly ResourceRule[], info: RequestInfo): boolean {
  const { verb, group, resource, subresource, namespace } = info;
  for (const rule of rules) {
    if (rule.verbs && !rule.verbs.has(verb)) continue;
    if (rule.resources && !rule.resources.has(subresource === '' ? resource : `${resource}/${subresource}`)) continue;
    if (rule.groups && !rule.groups.has(group)) continue;
    if (namespace === '' ? rule.clusterScope : !rule.namespaces || rule.namespaces.has(namespace)) return true;
  }
  return false;
}

function isAmongPaths(rules: readonly PathRule[], { verb, path }: RequestInfo): boolean {
  for (const { verbs, paths } of rules) {
    if (verbs && !verbs.has(verb)) continue;
    if (!paths) return true;
    for (const { whole, prefix } of paths) if (path === whole || path.startsWith(prefix)) return true;
  }
  return false;
}
