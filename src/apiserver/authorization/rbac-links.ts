// The usual two authorizers as links of a chain.
import type { Decision } from '../access-control.ts';
import { nodeRulesFor, type RbacAuthorizer } from './authorizer.ts';
import type { AuthorizerLink, LinkAnswer } from './union-authorizer.ts';

export function nodeLink(rbac: RbacAuthorizer): AuthorizerLink {
  return {
    type: 'Node',
    name: 'node',
    authorize: (attributes) => answerOf(rbac.authorizeNode(attributes)),
    rulesFor: nodeRulesFor,
  };
}

export function rbacLink(rbac: RbacAuthorizer): AuthorizerLink {
  return {
    type: 'RBAC',
    name: 'rbac',
    authorize: (attributes) => answerOf(rbac.authorizeByRoles(attributes)),
    rulesFor: (user, namespace) => rbac.rulesByRoles(user, namespace),
  };
}

/** Neither of them denies: what it does not allow, another may. */
function answerOf(decision: Decision | undefined): LinkAnswer {
  return { decision: decision?.allowed ? 'allow' : 'none', reason: decision?.reason };
}
