// Decides: system:masters may do everything, agents what node-rules.ts says, and everyone what RBAC grants.
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
} from '../../api/rbac/v1/types.generated.ts';
import type { Attributes, Authorizer, Decision } from '../extensions.ts';
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
  #index: RbacIndex | undefined;
  #indexedAt = '';

  constructor(view: ObjectView) {
    this.#view = view;
  }

  authorize(attributes: Attributes): Decision {
    if (attributes.user.groups.includes('system:masters')) return allowed;
    const forNode = this.authorizeNode(attributes);
    if (forNode?.allowed) return forNode;
    const byRole = this.authorizeByRoles(attributes);
    return byRole.allowed ? byRole : (forNode ?? byRole);
  }

  /** What the node authorizer alone says; undefined for users who are no agents. */
  authorizeNode(attributes: Attributes): Decision | undefined {
    return decideForNode(attributes, this.#view);
  }

  /** What RBAC alone says. */
  authorizeByRoles(attributes: Attributes): Decision {
    const by = this.#granted(attributes);
    return by === undefined ? refused : { allowed: true, reason: `RBAC: allowed by ${by}` };
  }

  rulesFor(user: User, namespace: string): RulesAnswer {
    if (user.groups.includes('system:masters')) return { rules: everything, incomplete: false };
    return { ...nodeRulesFor(user), rules: [...this.index.rulesFor(user, namespace)] };
  }

  /** The rules in force; worked out again after a change to any role or binding. */
  get index(): RbacIndex {
    const at = resources.map((resource) => this.#view.lastChange(resource)).join();
    if (!this.#index || at !== this.#indexedAt) {
      this.#index = buildRbacIndex({
        clusterRoles: this.#view.list<ClusterRole>(rbac('clusterroles')),
        clusterRoleBindings: this.#view.list<ClusterRoleBinding>(rbac('clusterrolebindings')),
        roles: this.#view.list<Role>(rbac('roles')),
        roleBindings: this.#view.list<RoleBinding>(rbac('rolebindings')),
      });
      this.#indexedAt = at;
    }
    return this.#index;
  }

  /** What gives the right; undefined: nothing does. */
  #granted({ user, verb, info }: Attributes): string | undefined {
    for (const { rules, by } of this.index.grantsFor(user, info.namespace)) {
      if (rules.some((rule) => ruleAllows(rule, verb, info))) return by;
    }
    return undefined;
  }
}

/** What the node authorizer says of an agent: not which objects its pods need. */
export function nodeRulesFor(user: User): RulesAnswer {
  if (nodeNameOf({ user }) === undefined) return { rules: [], incomplete: false };
  return { rules: [], incomplete: true, error: 'node authorizer does not support user rule resolution' };
}
