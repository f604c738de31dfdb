// Decides: system:masters may do everything, agents what node-rules.ts says, and everyone what RBAC grants.
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
} from '../../api/rbac/v1/types.generated.ts';
import { aggregate } from '../../apimachinery/aggregate.ts';
import { notFound } from '../../apimachinery/status.ts';
import type { Attributes, Authorizer, Decision } from '../access-control.ts';
import type { ObjectView } from '../object-view.ts';
import type { User } from '../request.ts';
import { decideForNode, nodeNameOf } from './node-rules.ts';
import { buildRbacIndex, type RbacIndex } from './rbac-index.ts';
import { ruleAllows } from './rules.ts';

const rbac = (resource: string) => ({ group: 'rbac.authorization.k8s.io', resource });
const resources = ['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings'].map(rbac);
const allowed: Decision = { allowed: true };
const refused: Decision = { allowed: false };

/** What those hold who may do everything. */
export const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** What a user may do in a namespace, as far as an authorizer can tell. */
export interface RulesAnswer {
  readonly rules: readonly PolicyRule[];
  /** There may be more. */
  readonly incomplete: boolean;
  /** Why there may be. */
  readonly error?: string;
}

/** An authorizer that also says what all a user may do (SelfSubjectRulesReview). */
export interface RulesAuthorizer extends Authorizer {
  rulesFor(user: User, namespace: string): RulesAnswer;
}

export class RbacAuthorizer implements RulesAuthorizer {
  readonly #view: ObjectView;
  readonly #onUnreadable: (error: Error) => void;
  #index: RbacIndex | undefined;
  #indexedAt = '';

  /** `onUnreadable` is told once of each role and binding that grants nothing since somebody spoilt it in storage. */
  constructor(view: ObjectView, onUnreadable: (error: Error) => void = () => {}) {
    this.#view = view;
    this.#onUnreadable = onUnreadable;
  }

  authorize(attributes: Attributes): Decision {
    if (attributes.user.groups.includes('system:masters')) return allowed;
    const forNode = this.authorizeNode(attributes);
    if (forNode?.allowed) return forNode;
    const byRole = this.authorizeByRoles(attributes);
    if (byRole.allowed || !forNode) return byRole;
    const reason = [forNode.reason, byRole.reason].filter((text) => text !== undefined).join('\n');
    return { allowed: false, ...(reason !== '' && { reason }) };
  }

  /** What the node authorizer alone says; undefined for users who are no agents. */
  authorizeNode(attributes: Attributes): Decision | undefined {
    return decideForNode(attributes, this.#view);
  }

  /** What RBAC alone says. */
  authorizeByRoles(attributes: Attributes): Decision {
    const by = this.#granted(attributes);
    if (by !== undefined) return { allowed: true, reason: `RBAC: allowed by ${by}` };
    const missing = this.#missing(attributes.user, attributes.info.namespace);
    return missing === '' ? refused : { allowed: false, reason: `RBAC: ${missing}` };
  }

  rulesFor(user: User, namespace: string): RulesAnswer {
    if (user.groups.includes('system:masters')) return { rules: everything, incomplete: false };
    const ofNode = nodeRulesFor(user);
    const byRoles = this.rulesByRoles(user, namespace);
    const errors = [ofNode, byRoles].flatMap(({ error }) => error ?? []);
    return { ...byRoles, incomplete: ofNode.incomplete, ...(errors.length > 0 && { error: aggregate(errors) }) };
  }

  /** The same for RBAC alone. */
  rulesByRoles(user: User, namespace: string): RulesAnswer {
    const error = this.#missing(user, namespace);
    return { rules: [...this.index.rulesFor(user, namespace)], incomplete: false, ...(error !== '' && { error }) };
  }

  /** The rules in force; worked out again after a change to any role or binding. */
  get index(): RbacIndex {
    const at = resources.map((resource) => this.#view.lastChange(resource)).join();
    if (!this.#index || at !== this.#indexedAt) {
      const index = buildRbacIndex({
        clusterRoles: this.#view.list<ClusterRole>(rbac('clusterroles')),
        clusterRoleBindings: this.#view.list<ClusterRoleBinding>(rbac('clusterrolebindings')),
        roles: this.#view.list<Role>(rbac('roles')),
        roleBindings: this.#view.list<RoleBinding>(rbac('rolebindings')),
      });
      this.#tellUnreadable(index);
      this.#index = index;
      this.#indexedAt = at;
    }
    return this.#index;
  }

  #tellUnreadable({ unreadable }: RbacIndex): void {
    const known = this.#index?.unreadable ?? [];
    for (const line of unreadable) if (!known.includes(line)) this.#onUnreadable(new Error(line));
  }

  /** What gives the right; undefined: nothing does. */
  #granted({ user, verb, info }: Attributes): string | undefined {
    for (const { rules, by } of this.index.grantsFor(user, info.namespace)) {
      if (rules?.some((rule) => ruleAllows(rule, verb, info))) return by;
    }
    return undefined;
  }

  /** That roles of the user's bindings are not there, in the words of upstream's listers; empty: all are. */
  #missing(user: User, namespace: string): string {
    const refs = this.index.missingFor(user, namespace);
    return aggregate(refs.map(({ kind, name = '' }) => notFound(rbac(kind.toLowerCase()), name).message));
  }
}

/** What the node authorizer says of an agent: not which objects its pods need. */
export function nodeRulesFor(user: User): RulesAnswer {
  if (nodeNameOf({ user }) === undefined) return { rules: [], incomplete: false };
  return { rules: [], incomplete: true, error: 'node authorizer does not support user rule resolution' };
}
