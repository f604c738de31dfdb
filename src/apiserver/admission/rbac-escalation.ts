// Nobody grants what they do not hold: roles and bindings are refused whose rules go beyond those of their author, who may
// be allowed to all the same by the verbs `escalate` (roles) and `bind` (bindings).
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
} from '../../api/rbac/v1/types.generated.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { forbidden, notFound } from '../../apimachinery/status.ts';
import { compacted, printRule, uncovered } from '../authorization/covers.ts';
import { buildRbacIndex, rulesOfClusterRoles } from '../authorization/rbac-index.ts';
import type { AdmissionRequest, AdmissionStep, AdmissionView } from './admission.ts';

const group = 'rbac.authorization.k8s.io';
type AnyRole = KubeObject & Partial<Pick<ClusterRole, 'rules' | 'aggregationRule'>>;
type AnyBinding = KubeObject & Pick<RoleBinding, 'roleRef' | 'subjects'>;

/** What a role that gathers whatever is labelled may come to hold. */
const everything: readonly PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

export const rbacEscalation: AdmissionStep = (request, view) => {
  const { definition, object, user } = request;
  if (definition.group !== group || !object || user.groups.includes('system:masters')) return;
  return checkEscalation(request, object, view);
};

async function checkEscalation(
  request: AdmissionRequest,
  object: Readonly<KubeObject>,
  view: AdmissionView,
): Promise<void> {
  const { definition, old, user } = request;
  const isBinding = definition.resource.endsWith('bindings');
  const granted = isBinding
    ? grantedByBinding(object as AnyBinding, old as AnyBinding | undefined, { request, view })
    : grantedByRole(object as AnyRole, old as AnyRole | undefined);
  if (granted === undefined) return;

  const roleRef = isBinding ? (object as AnyBinding).roleRef : undefined;
  const verb = roleRef ? 'bind' : 'escalate';
  const resource = roleRef ? (roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles') : definition.resource;
  const name = roleRef?.name ?? object.metadata.name ?? '';
  const info = question(resource, request.namespace, name);
  if ((await view.authorizer.authorize({ user, verb, info: { ...info, verb } })).allowed) return;

  const rules = [...indexOf(view).rulesFor(user, request.namespace)];
  const missing = uncovered(rules, granted);
  if (missing.length === 0) return;
  const who = `user ${quoted(user.name)} (groups=[${user.groups.map(quoted).join(' ')}])`;
  const lines = [...new Set(compacted(missing).map(printRule))].sort().join('\n');
  const why = `${who} is attempting to grant RBAC permissions not currently held:\n${lines}`;
  throw forbidden(definition, object.metadata.name ?? '', why);
}

/** Undefined where the write grants nothing new. */
function grantedByRole(role: AnyRole, old: AnyRole | undefined): readonly PolicyRule[] | undefined {
  const isSame = old && jsonEqual([role.rules, role.aggregationRule], [old.rules, old.aggregationRule]);
  if (isSame) return undefined;
  return role.aggregationRule ? everything : (role.rules ?? []);
}

function grantedByBinding(
  { roleRef, subjects }: AnyBinding,
  old: AnyBinding | undefined,
  { request, view }: { readonly request: AdmissionRequest; readonly view: AdmissionView },
): readonly PolicyRule[] | undefined {
  if (old && jsonEqual([roleRef, subjects], [old.roleRef, old.subjects])) return undefined;
  return rulesOf(roleRef, request.namespace, view);
}

function rulesOf({ kind, name = '' }: RoleRef, namespace: string, view: AdmissionView): readonly PolicyRule[] {
  const isCluster = kind === 'ClusterRole';
  const rules = isCluster
    ? rulesOfClusterRoles(view.all<ClusterRole>('clusterroles', group)).get(name)
    : view.find<Role>('roles', { group, namespace, name })?.rules;
  if (!rules) throw notFound({ group, resource: isCluster ? 'clusterroles' : 'roles' }, name);
  return rules;
}

function indexOf(view: AdmissionView) {
  return buildRbacIndex({
    clusterRoles: view.all<ClusterRole>('clusterroles', group),
    clusterRoleBindings: view.all<ClusterRoleBinding>('clusterrolebindings', group),
    roles: view.all<Role>('roles', group),
    roleBindings: view.all<RoleBinding>('rolebindings', group),
  });
}

function question(resource: string, namespace: string, name: string) {
  return {
    isResource: true,
    verb: '',
    path: '',
    group,
    version: 'v1',
    resource,
    subresource: '',
    namespace,
    name,
    rest: [],
  };
}
