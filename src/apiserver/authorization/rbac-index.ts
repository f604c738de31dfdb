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
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { labelSelectorOf, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';
import type { User } from '../request.ts';

export interface RbacObjects {
  readonly clusterRoles: readonly Readonly<ClusterRole>[];
  readonly clusterRoleBindings: readonly Readonly<ClusterRoleBinding>[];
  readonly roles: readonly Readonly<Role>[];
  readonly roleBindings: readonly Readonly<RoleBinding>[];
}

type Rules = readonly PolicyRule[];
/** What one binding gives one subject. */
export interface Grant {
  /** Undefined: the role is not there. */
  readonly rules: Rules | undefined;
  readonly roleRef: RoleRef;
  /** Upstream's words: `ClusterRoleBinding "a" of ClusterRole "b" to User "c"`. */
  readonly by: string;
}

/** By `User:NAME` or `Group:NAME`. */
type GrantsBySubject = Map<string, Grant[]>;

export interface RbacIndex {
  /** The rules of a user for requests in a namespace; the empty one stands for cluster-wide requests. */
  rulesFor(user: User, namespace: string): Iterable<PolicyRule>;
  /** The same, with where each comes from. */
  grantsFor(user: User, namespace: string): Iterable<Grant>;
  /** The roles that the user's bindings name, and that are not there: those of ClusterRoleBindings first, each once. */
  missingFor(user: User, namespace: string): readonly RoleRef[];
  /** What is stored but not of the form of its kind, each with what is wrong with it. */
  readonly unreadable: readonly string[];
}

export function buildRbacIndex(objects: RbacObjects): RbacIndex {
  const reader = new Reader();
  const clusterRules = rulesOfClusterRoles(objects.clusterRoles, reader);
  const roleRules = new Map<string, Rules>();
  reader.each('Role', objects.roles, ({ metadata, rules }) => {
    roleRules.set(`${metadata.namespace}/${metadata.name}`, rulesIn(rules));
  });
  const everywhere: GrantsBySubject = new Map();
  const byNamespace = new Map<string, GrantsBySubject>();

  reader.each('ClusterRoleBinding', objects.clusterRoleBindings, ({ metadata, roleRef, subjects }) => {
    const binding = `ClusterRoleBinding ${JSON.stringify(metadata.name)}`;
    grant(everywhere, subjects, { namespace: '', rules: clusterRules.get(roleRef.name ?? ''), binding, roleRef });
  });
  reader.each('RoleBinding', objects.roleBindings, ({ metadata, roleRef, subjects }) => {
    const namespace = metadata.namespace ?? '';
    const rules = referredRules(roleRef, namespace, { clusterRules, roleRules });
    const here = byNamespace.get(namespace) ?? new Map();
    byNamespace.set(namespace, here);
    const binding = `RoleBinding ${JSON.stringify(`${metadata.name}/${namespace}`)}`;
    grant(here, subjects, { namespace, rules, binding, roleRef });
  });
  function* grantsFor(user: User, namespace: string): Iterable<Grant> {
    const here = namespace === '' ? undefined : byNamespace.get(namespace);
    for (const key of subjectKeys(user)) {
      yield* everywhere.get(key) ?? [];
      yield* here?.get(key) ?? [];
    }
  }
  return {
    unreadable: reader.unreadable,
    grantsFor,
    *rulesFor(user, namespace) {
      for (const { rules } of grantsFor(user, namespace)) yield* rules ?? [];
    },
    missingFor(user, namespace) {
      const places = [everywhere, namespace === '' ? undefined : byNamespace.get(namespace)];
      const grants = places.flatMap((granted) => [...subjectKeys(user)].flatMap((key) => granted?.get(key) ?? []));
      const refs = grants.flatMap(({ rules, roleRef }) => (rules ? [] : [roleRef]));
      return [...new Map(refs.map((ref) => [`${ref.kind}/${ref.name}`, ref])).values()];
    },
  };
}

/** Rules by name; a role with an aggregationRule has those of all roles that it selects beside its own. */
export function rulesOfClusterRoles(
  roles: RbacObjects['clusterRoles'],
  reader = new Reader(),
): ReadonlyMap<string, Rules> {
  const own = new Map<RbacObjects['clusterRoles'][number], Rules>();
  reader.each('ClusterRole', roles, (role) => own.set(role, rulesIn(role.rules)));
  const readable = [...own.keys()];
  const found = new Map<string, Rules>();
  reader.each('ClusterRole', readable, (role) => {
    const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
    const selected = selectors.flatMap((text) => {
      const selector = labelSelectorOf(text);
      return selector ? readable.filter((r) => r !== role && matchesLabels(selector, r.metadata.labels)) : [];
    });
    // The controller of aggregation writes into the role what it selects, sooner or later: each rule counts once.
    const rules = new Map(
      [role, ...selected].flatMap((one) => own.get(one) ?? []).map((rule) => [JSON.stringify(rule), rule]),
    );
    found.set(role.metadata.name, selectors.length === 0 ? (own.get(role) ?? []) : [...rules.values()]);
  });
  return found;
}

/** Reads one object after the other: what somebody spoilt in storage grants nothing, and the others do. */
class Reader {
  readonly unreadable: string[] = [];

  each<T extends KubeObject>(kind: string, objects: readonly Readonly<T>[], read: (object: Readonly<T>) => void): void {
    for (const object of objects) {
      try {
        read(object);
      } catch (error) {
        const { namespace, name } = object.metadata;
        const what = `${kind} ${JSON.stringify(namespace ? `${namespace}/${name}` : name)}`;
        this.unreadable.push(`${what} cannot be read, and grants nothing: ${errorMessage(error)}`);
      }
    }
  }
}

/** Throws for what is no list of rules. */
function rulesIn(rules: readonly PolicyRule[] | null | undefined): Rules {
  for (const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } of rules ?? []) {
    for (const list of [verbs, apiGroups, resources, resourceNames, nonResourceURLs]) {
      const isRight = list === undefined || (Array.isArray(list) && list.every((one) => typeof one === 'string'));
      if (!isRight) throw new TypeError('a rule has something else than a list of texts');
    }
  }
  return rules ?? [];
}

function referredRules(
  { kind, name = '' }: RoleRef,
  namespace: string,
  known: { readonly clusterRules: ReadonlyMap<string, Rules>; readonly roleRules: ReadonlyMap<string, Rules> },
): Rules | undefined {
  return kind === 'ClusterRole' ? known.clusterRules.get(name) : known.roleRules.get(`${namespace}/${name}`);
}

function grant(
  granted: GrantsBySubject,
  subjects: readonly Subject[] = [],
  given: {
    readonly namespace: string;
    readonly rules: Rules | undefined;
    readonly binding: string;
    readonly roleRef: RoleRef;
  },
): void {
  const { namespace, rules, binding, roleRef } = given;
  const of = `${binding} of ${roleRef.kind} ${JSON.stringify(roleRef.name ?? '')} to`;
  const grants = subjects.map((subject): readonly [key: string, Grant] => {
    return [subjectKey(subject, namespace), { rules, roleRef, by: `${of} ${describe(subject)}` }];
  });
  // Once all of them could be read.
  for (const [key, grant] of grants) {
    const list = granted.get(key);
    if (list) list.push(grant);
    else granted.set(key, [grant]);
  }
}

function describe({ kind, name = '', namespace }: Subject): string {
  return `${kind} ${JSON.stringify(kind === 'ServiceAccount' ? `${name}/${namespace}` : name)}`;
}

function subjectKey({ kind, name = '', namespace }: Subject, bindingNamespace: string): string {
  if (kind !== 'ServiceAccount') return `${kind}:${name}`;
  return `User:system:serviceaccount:${namespace || bindingNamespace}:${name}`;
}

function* subjectKeys({ name, groups }: User): Iterable<string> {
  yield `User:${name}`;
  for (const group of groups) yield `Group:${group}`;
}
