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
const view = {
  all: (resource: string) => objects[resource] ?? [],
  find: (resource: string, { name }: { name: string }) =>
    (objects[resource] as KubeObject[]).find(({ metadata }) => metadata.name === name),
  authorizer: new RbacAuthorizer({
    list: (about: { resource: string }) => objects[about.resource] ?? [],
    lastChange: () => 1,
  } as unknown as ObjectView),
} as unknown as AdmissionView;

async function admit(
  resource: string,
  content: object,
  { user = jane, namespace = 'ns', old = undefined as object | undefined } = {},
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

test('a role that gathers by label may be made only by who holds everything', () => {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
  return expect(admit('clusterroles', { aggregationRule, rules: [] }, { namespace: '' })).rejects.toThrow(
    'not currently held',
  );
});
