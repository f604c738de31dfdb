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
import { aggregate } from '../../apimachinery/aggregate.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, forbidden, notFound, type StatusError } from '../../apimachinery/status.ts';
import { compacted, printRule, uncovered } from '../authorization/covers.ts';
import { buildRbacIndex, type RbacIndex, rulesOfClusterRoles } from '../authorization/rbac-index.ts';
import type { AdmissionRequest, AdmissionStep, AdmissionView } from './admission.ts';

const group = 'rbac.authorization.k8s.io';
type AnyRole = KubeObject & Partial<Pick<ClusterRole, 'rules' | 'aggregationRule'>>;
type AnyBinding = KubeObject & Pick<RoleBinding, 'roleRef' | 'subjects'>;

type Request = AdmissionRequest & { readonly object: KubeObject };

/** What a role that gathers whatever is labelled may come to hold. */
const everything: readonly PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

export const rbacEscalation: AdmissionStep = (request, view) => {
  const { definition, object, old, user } = request;
  if (definition.group !== group || !object || user.groups.includes('system:masters')) return;
  // Any other change counts as granting anew: labels, for one, let other roles gather this one's rules.
  if (old && jsonEqual(beyondOwners(object), beyondOwners(old))) return;
  const check = definition.resource.endsWith('bindings') ? checkBinding : checkRole;
  return check({ ...request, object }, view);
};

/** Without what the garbage collector changes. */
function beyondOwners({ metadata, ...rest }: Readonly<KubeObject>): unknown {
  const { ownerReferences: _owners, finalizers: _finalizers, managedFields: _fields, ...meta } = metadata;
  return { ...rest, metadata: meta };
}

async function checkRole(request: Request, view: AdmissionView): Promise<void> {
  const { definition } = request;
  const role: AnyRole = request.object;
  // As upstream: of a POST the authorizer does not know the name.
  const name = request.pathName ?? request.name;
  if (await mayToo({ request, view, verb: 'escalate', resource: definition.resource, name })) return;
  const refuse = (why: string) => forbidden(definition, role.metadata.name ?? '', why);
  const why = beyondOwn(request, view, role.rules ?? []);
  if (why !== undefined) throw refuse(why);
  if ([role, request.old].some(gathers) && beyondOwn(request, view, everything) !== undefined) {
    throw refuse('must have cluster-admin privileges to use the aggregationRule');
  }
}

function gathers(role: Readonly<AnyRole> | undefined): boolean {
  return (role?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;
}

async function checkBinding(request: Request, view: AdmissionView): Promise<void> {
  const { roleRef } = request.object as AnyBinding;
  const { kind, name = '' } = roleRef;
  const isKnown = kind === 'ClusterRole' || kind === 'Role';
  const resource = kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (isKnown && (await mayToo({ request, view, verb: 'bind', resource, name }))) return;
  const why = beyondOwn(request, view, rulesOf(roleRef, request.namespace, view));
  if (why !== undefined) throw forbidden(request.definition, request.object.metadata.name ?? '', why);
}

interface Question {
  readonly request: Request;
  readonly view: AdmissionView;
  readonly verb: 'escalate' | 'bind';
  readonly resource: string;
  readonly name: string;
}

/** Whether the user is allowed to grant what they do not hold. */
async function mayToo({ request: { user, namespace }, view, verb, resource, name }: Question): Promise<boolean> {
  const where = { group, version: 'v1', resource, subresource: '', namespace, name };
  const info = { ...where, isResource: true, verb, path: '', rest: [] };
  return (await view.authorizer.authorize({ user, verb, info })).allowed;
}

/** Which of the rules the user does not hold, in upstream's words; undefined: they hold all. */
function beyondOwn(
  { user, namespace }: Request,
  view: AdmissionView,
  granted: readonly PolicyRule[],
): string | undefined {
  const index = indexOf(view);
  const missing = uncovered([...index.rulesFor(user, namespace)], granted);
  if (missing.length === 0) return undefined;
  const who = `user ${quoted(user.name)} (groups=[${user.groups.map(quoted).join(' ')}])`;
  const lines = [...new Set(compacted(missing).map(printRule))].sort().join('\n');
  const errors = index.missingFor(user, namespace).map(({ kind, name = '' }) => roleNotFound(kind, name).message);
  const unresolved = errors.length > 0 ? `; resolution errors: [${aggregate(errors)}]` : '';
  return `${who} is attempting to grant RBAC permissions not currently held:\n${lines}${unresolved}`;
}

function roleNotFound(kind: string, name: string): StatusError {
  return notFound({ group, resource: kind === 'ClusterRole' ? 'clusterroles' : 'roles' }, name);
}

/** Throws where there is no such role, in upstream's order: this is asked before the binding is validated. */
function rulesOf({ kind, name = '' }: RoleRef, namespace: string, view: AdmissionView): readonly PolicyRule[] {
  // Upstream takes this for a failure of its own (500).
  if (kind !== 'ClusterRole' && kind !== 'Role') throw badRequest(`unsupported role reference kind: ${quoted(kind)}`);
  if (kind === 'Role' && namespace === '') throw badRequest('Namespace parameter required.');
  if (name === '') throw badRequest('Name parameter required.');
  const role: Partial<Pick<Role, 'rules'>> | undefined =
    kind === 'ClusterRole'
      ? view.find<ClusterRole>('clusterroles', { group, name })
      : view.find<Role>('roles', { group, namespace, name });
  if (!role) throw roleNotFound(kind, name);
  if (kind === 'Role') return role.rules ?? [];
  return rulesOfClusterRoles(view.all<ClusterRole>('clusterroles', group)).get(name) ?? [];
}

function indexOf(view: AdmissionView): RbacIndex {
  return buildRbacIndex({
    clusterRoles: view.all<ClusterRole>('clusterroles', group),
    clusterRoleBindings: view.all<ClusterRoleBinding>('clusterrolebindings', group),
    roles: view.all<Role>('roles', group),
    roleBindings: view.all<RoleBinding>('rolebindings', group),
  });
}
