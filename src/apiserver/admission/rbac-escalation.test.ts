import { expect, test } from 'vitest';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { RbacAuthorizer } from '../authorization/authorizer.ts';
import { bootstrapClusterRoles } from '../authorization/bootstrap-policy.ts';
import type { ObjectView } from '../object-view.ts';
import type { AdmissionView } from './admission.ts';
import { rbacEscalation } from './rbac-escalation.ts';

const group = 'rbac.authorization.k8s.io';
const jane = { name: 'jane', groups: ['system:authenticated'] };
const objects: Readonly<Record<string, readonly unknown[]>> = {
  clusterroles: bootstrapClusterRoles,
  clusterrolebindings: [],
  roles: [
    {
      metadata: { name: 'reader', namespace: 'ns' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    },
  ],
  rolebindings: [
    {
      metadata: { name: 'b', namespace: 'ns' },
      roleRef: { kind: 'ClusterRole', name: 'admin' },
      subjects: [{ kind: 'User', name: 'jane' }],
    },
  ],
};

function viewOf(there: Readonly<Record<string, readonly unknown[]>>): AdmissionView {
  return {
    all: (resource: string) => there[resource] ?? [],
    find: (resource: string, { name }: { name: string }) =>
      (there[resource] as KubeObject[]).find(({ metadata }) => metadata.name === name),
    authorizer: new RbacAuthorizer({
      list: (about: { resource: string }) => there[about.resource] ?? [],
      lastChange: () => 1,
    } as unknown as ObjectView),
  } as unknown as AdmissionView;
}

async function admit(
  resource: string,
  content: object,
  {
    user = jane,
    namespace = 'ns',
    old = undefined as object | undefined,
    view = viewOf(objects),
    pathName = 'new',
  } = {},
) {
  const named = (more: object) => ({ metadata: { name: 'new', namespace }, ...more }) as unknown as KubeObject;
  await rbacEscalation(
    {
      operation: old ? 'UPDATE' : 'CREATE',
      definition: { group, resource } as ResourceDefinition,
      subresource: '',
      kind: { group, version: 'v1', kind: 'Role' },
      namespace,
      name: 'new',
      pathName,
      object: named(content),
      old: old && named(old),
      user,
      dryRun: false,
      options: undefined,
      warnings: new Set(),
      auditAnnotations: new Map(),
    },
    view,
  );
}

const binding = (kind: string, name: string) => ({
  roleRef: { kind, name },
  subjects: [{ kind: 'User', name: 'joe' }],
});
const nodes = { rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }] };

test.each([
  ['roles', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }],
  ['rolebindings', binding('ClusterRole', 'admin')],
  ['rolebindings', binding('ClusterRole', 'view')],
  ['rolebindings', binding('Role', 'reader')],
])('an admin of the namespace may grant what they hold: %s %j', (resource, content) => {
  return expect(admit(resource, content)).resolves.toBeUndefined();
});

test.each([
  ['roles', nodes],
  ['rolebindings', binding('ClusterRole', 'cluster-admin')],
  ['rolebindings', binding('ClusterRole', 'system:node')],
])('and nothing beyond: %s %j', (resource, content) => {
  return expect(admit(resource, content)).rejects.toThrow(
    'user "jane" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held',
  );
});

test('a write that grants nothing new passes, system:masters may everything, a role that is not there is 404', async () => {
  await expect(admit('roles', nodes, { old: nodes })).resolves.toBeUndefined();
  await expect(admit('roles', nodes, { user: { name: 'root', groups: ['system:masters'] } })).resolves.toBeUndefined();
  await expect(admit('rolebindings', binding('Role', 'gone'))).rejects.toThrow(
    'roles.rbac.authorization.k8s.io "gone" not found',
  );
});

// What kube-apiserver 1.20 and the same code of 1.36 answer.
const gathering = { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } };
const notAdmin = 'must have cluster-admin privileges to use the aggregationRule';
const notHeld = 'is attempting to grant RBAC permissions not currently held:\n';
const labelled = (content: object) => ({ ...content, metadata: { name: 'new', namespace: 'ns', labels: { a: 'b' } } });
const owned = (content: object) => ({
  ...content,
  metadata: { name: 'new', namespace: 'ns', finalizers: ['a/b'], ownerReferences: [{ uid: '1' }] },
});
const cluster = { namespace: '' };

test.each<[string, string, object, Parameters<typeof admit>[2], string]>([
  ['a role that gathers may be made by who holds everything', 'clusterroles', gathering, cluster, notAdmin],
  ['nor is one changed that gathered', 'clusterroles', {}, { ...cluster, old: gathering }, notAdmin],
  ['its own rules come first', 'clusterroles', { ...gathering, ...nodes }, cluster, notHeld],
  ['a label is a change: roles gather by it', 'roles', labelled(nodes), { old: nodes }, notHeld],
  [
    'and of a binding',
    'rolebindings',
    labelled(binding('ClusterRole', 'system:node')),
    { old: binding('ClusterRole', 'system:node') },
    notHeld,
  ],
  ['no Role in all namespaces', 'clusterrolebindings', binding('Role', 'x'), cluster, 'Namespace parameter required.'],
  ['no name', 'rolebindings', binding('ClusterRole', ''), {}, 'Name parameter required.'],
  ['no such kind', 'rolebindings', binding('Foo', 'x'), {}, 'unsupported role reference kind: "Foo"'],
])('%s', (...[, resource, content, options, message]) => {
  return expect(admit(resource, content, options)).rejects.toThrow(message);
});

test('what the garbage collector changes is no grant', () => {
  return expect(admit('roles', owned(nodes), { old: nodes })).resolves.toBeUndefined();
});

const rule = (verb: string, resource: string, resourceNames?: string[]) => ({
  rules: [{ apiGroups: [group], resources: [resource], verbs: [verb], ...(resourceNames && { resourceNames }) }],
});
const given = (user: string, role: string) => ({
  metadata: { name: `${user}-${role}` },
  roleRef: { kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'User', name: user }],
});
const named = (name: string, content: object) => ({ metadata: { name }, ...content });
const special = viewOf({
  clusterroles: [
    named('escalate', rule('escalate', 'clusterroles')),
    named('escalate-new', rule('escalate', 'clusterroles', ['new'])),
    named('bind', rule('bind', 'roles')),
  ],
  clusterrolebindings: [
    given('eve', 'escalate'),
    given('ned', 'escalate-new'),
    given('bob', 'bind'),
    given('dan', 'gone'),
    given('dan', 'lost'),
  ],
  roles: [],
  rolebindings: [],
});

test.each<[string, string, object, Parameters<typeof admit>[2], string?]>([
  ['eve', 'clusterroles', nodes, cluster],
  ['eve', 'clusterroles', gathering, cluster],
  ['ned', 'clusterroles', nodes, cluster],
  // A POST has no name in its path.
  ['ned', 'clusterroles', nodes, { ...cluster, pathName: '' }, notHeld],
  ['ned', 'clusterroles', nodes, { ...cluster, old: {} }],
  // Whether there is such a role is not asked of who may bind any: validation refuses it.
  ['bob', 'clusterrolebindings', binding('Role', 'x'), cluster],
  ['bob', 'clusterrolebindings', binding('ClusterRole', 'x'), cluster, 'clusterroles.rbac.authorization.k8s.io "x"'],
  [
    'dan',
    'clusterroles',
    nodes,
    cluster,
    'clusterroles.rbac.authorization.k8s.io "new" is forbidden: user "dan" (groups=[]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}; resolution errors: [[clusterroles.rbac.authorization.k8s.io "gone" not found, clusterroles.rbac.authorization.k8s.io "lost" not found]]',
  ],
])('%s writes %s %j: %j', (...[name, resource, content, options, message]) => {
  const done = admit(resource, content, { user: { name, groups: [] }, view: special, ...options });
  return message === undefined ? expect(done).resolves.toBeUndefined() : expect(done).rejects.toThrow(message);
});
