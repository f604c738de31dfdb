// Decides: system:masters may do everything, agents what node-rules.ts says, and everyone what RBAC grants.
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../api/rbac/v1/types.generated.ts';
import type { Attributes, Authorizer, Decision } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import { decideForNode } from './node-rules.ts';
import { buildRbacIndex, type RbacIndex } from './rbac-index.ts';
import { ruleAllows } from './rules.ts';

const rbac = (resource: string) => ({ group: 'rbac.authorization.k8s.io', resource });
const resources = ['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings'].map(rbac);
const allowed: Decision = { allowed: true };

export class RbacAuthorizer implements Authorizer {
  readonly #view: ObjectView;
  #index: RbacIndex | undefined;
  #indexedAt = '';

  constructor(view: ObjectView) {
    this.#view = view;
  }

  authorize(attributes: Attributes): Decision {
    if (attributes.user.groups.includes('system:masters')) return allowed;
    const forNode = decideForNode(attributes, this.#view);
    if (forNode?.allowed) return forNode;
    const by = this.#granted(attributes);
    if (by !== undefined) return { allowed: true, reason: `RBAC: allowed by ${by}` };
    return forNode ?? { allowed: false };
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
