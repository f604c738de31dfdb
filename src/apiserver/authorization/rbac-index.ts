// Who holds which rules where, worked out from Roles, ClusterRoles and their bindings: a pure function, made anew when
// one of them changes, and asked with a few map look-ups per request.
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '../../api/rbac/v1/types.generated.ts';
import { labelSelectorOf, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';
import type { User } from '../request.ts';

export interface RbacObjects {
  readonly clusterRoles: readonly Readonly<ClusterRole>[];
  readonly clusterRoleBindings: readonly Readonly<ClusterRoleBinding>[];
  readonly roles: readonly Readonly<Role>[];
  readonly roleBindings: readonly Readonly<RoleBinding>[];
}

type Rules = readonly PolicyRule[];
/** By `User:NAME` or `Group:NAME`. */
type RulesBySubject = Map<string, Rules[]>;

export interface RbacIndex {
  /** The rules of a user for requests in a namespace; the empty one stands for cluster-wide requests. */
  rulesFor(user: User, namespace: string): Iterable<PolicyRule>;
}

export function buildRbacIndex(objects: RbacObjects): RbacIndex {
  const clusterRules = rulesOfClusterRoles(objects.clusterRoles);
  const roleRules = new Map(
    objects.roles.map(({ metadata, rules }) => [`${metadata.namespace}/${metadata.name}`, rules ?? []]),
  );
  const everywhere: RulesBySubject = new Map();
  const byNamespace = new Map<string, RulesBySubject>();

  for (const { roleRef, subjects } of objects.clusterRoleBindings) {
    grant(everywhere, subjects, { namespace: '', rules: clusterRules.get(roleRef.name ?? '') });
  }
  for (const { metadata, roleRef, subjects } of objects.roleBindings) {
    const namespace = metadata.namespace ?? '';
    const rules = referredRules(roleRef, namespace, { clusterRules, roleRules });
    const here = byNamespace.get(namespace) ?? new Map();
    byNamespace.set(namespace, here);
    grant(here, subjects, { namespace, rules });
  }
  return {
    *rulesFor(user, namespace) {
      const here = namespace === '' ? undefined : byNamespace.get(namespace);
      for (const key of subjectKeys(user)) {
        for (const rules of everywhere.get(key) ?? []) yield* rules;
        for (const rules of here?.get(key) ?? []) yield* rules;
      }
    },
  };
}

/** Rules by name; a role with an aggregationRule has those of all roles that it selects beside its own. */
export function rulesOfClusterRoles(roles: RbacObjects['clusterRoles']): ReadonlyMap<string, Rules> {
  return new Map(
    roles.map((role) => {
      const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
      const selected = selectors.flatMap((text) => {
        const selector = labelSelectorOf(text);
        return selector ? roles.filter((r) => r !== role && matchesLabels(selector, r.metadata.labels)) : [];
      });
      return [role.metadata.name, [role, ...new Set(selected)].flatMap(({ rules }) => rules ?? [])];
    }),
  );
}

function referredRules(
  { kind, name = '' }: RoleRef,
  namespace: string,
  known: { readonly clusterRules: ReadonlyMap<string, Rules>; readonly roleRules: ReadonlyMap<string, Rules> },
): Rules | undefined {
  return kind === 'ClusterRole' ? known.clusterRules.get(name) : known.roleRules.get(`${namespace}/${name}`);
}

function grant(
  granted: RulesBySubject,
  subjects: readonly Subject[] = [],
  { namespace, rules }: { readonly namespace: string; readonly rules: Rules | undefined },
): void {
  if (!rules) return;
  for (const subject of subjects) {
    const key = subjectKey(subject, namespace);
    const list = granted.get(key);
    if (list) list.push(rules);
    else granted.set(key, [rules]);
  }
}

function subjectKey({ kind, name = '', namespace }: Subject, bindingNamespace: string): string {
  if (kind !== 'ServiceAccount') return `${kind}:${name}`;
  return `User:system:serviceaccount:${namespace || bindingNamespace}:${name}`;
}

function* subjectKeys({ name, groups }: User): Iterable<string> {
  yield `User:${name}`;
  for (const group of groups) yield `Group:${group}`;
}
