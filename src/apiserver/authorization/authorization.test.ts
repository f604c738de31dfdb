import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { FixedObjectView } from '../fake/object-view.ts';
import type { User } from '../request.ts';
import { namedBySelector, parseRequestInfo } from '../request-info.ts';
import { RbacAuthorizer } from './authorizer.ts';
import { bootstrapClusterRoleBindings, bootstrapClusterRoles } from './bootstrap-policy.ts';
import { forbiddenError } from './messages.ts';
import { rulesOfClusterRoles } from './rbac-index.ts';
import { accessReviews } from './reviews.ts';
import { ruleAllows } from './rules.ts';

const rbac = (resource: string) => ({ group: 'rbac.authorization.k8s.io', resource });
const core = (resource: string) => ({ group: '', resource });

function ask(method: string, url: string) {
  const { pathname, searchParams } = new URL(url, 'http://x');
  const info = namedBySelector(parseRequestInfo(method, pathname, searchParams), searchParams);
  return { verb: info.verb, info, fieldSelector: searchParams.get('fieldSelector') ?? undefined };
}

const jane = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' };

function volume(name: string, claim: string, source: object): KubeObject {
  return {
    metadata: { name },
    spec: { ...source, claimRef: { namespace: 'ns', name: claim } },
  } as unknown as KubeObject;
}

function view(): FixedObjectView {
  const metadata = (name: string) => ({ name, namespace: 'ns' });
  return new FixedObjectView()
    .set(rbac('clusterroles'), [
      ...bootstrapClusterRoles,
      {
        metadata: { name: 'crontabs', labels: { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' } },
        rules: [{ apiGroups: ['example.com'], resources: ['crontabs'], verbs: ['*'] }],
      } as KubeObject,
    ])
    .set(rbac('clusterrolebindings'), [...bootstrapClusterRoleBindings])
    .set(rbac('roles'), [
      { metadata: metadata('reader'), rules: [{ apiGroups: [''], resources: ['services'], verbs: ['get', 'list'] }] },
      {
        metadata: metadata('one'),
        rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['settings'], verbs: ['get', 'list'] }],
      },
    ] as unknown as KubeObject[])
    .set(rbac('rolebindings'), [
      { metadata: metadata('b1'), roleRef: { kind: 'Role', name: 'reader' }, subjects: [jane] },
      { metadata: metadata('b2'), roleRef: { kind: 'Role', name: 'one' }, subjects: [jane] },
      {
        metadata: metadata('b3'),
        roleRef: { kind: 'ClusterRole', name: 'edit' },
        subjects: [{ kind: 'ServiceAccount', name: 'deployer' }],
      },
      {
        metadata: metadata('b4'),
        roleRef: { kind: 'ClusterRole', name: 'view' },
        subjects: [{ kind: 'Group', name: 'devs' }],
      },
      { metadata: metadata('b5'), roleRef: { kind: 'Role', name: 'gone' }, subjects: [jane] },
    ] as unknown as KubeObject[])
    .set(core('pods'), [
      {
        metadata: metadata('mine'),
        spec: {
          nodeName: 'node-1',
          serviceAccountName: 'web',
          containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'env' } }] }],
          volumes: [
            { name: 'v', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } },
            { name: 'e', ephemeral: {} },
            { name: 'i', csi: { driver: 'x.y', nodePublishSecretRef: { name: 'inline' } } },
          ],
        },
      },
      {
        metadata: metadata('other'),
        spec: {
          nodeName: 'node-2',
          volumes: [
            { name: 'v', secret: { secretName: 's2' } },
            { name: 'e', ephemeral: {} },
          ],
        },
      },
    ] as unknown as KubeObject[])
    .set(core('persistentvolumes'), [
      volume('v1', 'mine-e', {
        csi: {
          nodeStageSecretRef: { name: 'stage', namespace: 'ns' },
          controllerExpandSecretRef: { name: 'expand-by-controller', namespace: 'ns' },
        },
      }),
      volume('v2', 'other-e', { csi: { nodeStageSecretRef: { name: 'stage-2', namespace: 'ns' } } }),
      volume('v3', 'mine-e', { flexVolume: { secretRef: { name: 'flex', namespace: 'storage' } } }),
      volume('v4', 'mine-e', { azureFile: { secretName: 'azure' } }),
    ])
    .set({ group: 'storage.k8s.io', resource: 'volumeattachments' }, [
      { metadata: { name: 'a1' }, spec: { nodeName: 'node-1' } },
      { metadata: { name: 'a2' }, spec: { nodeName: 'node-2' } },
    ] as unknown as KubeObject[]);
}

const users: Readonly<Record<string, User>> = {
  admin: { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
  jane: { name: 'jane', groups: ['system:authenticated'] },
  dev: { name: 'joe', groups: ['devs', 'system:authenticated'] },
  deployer: { name: 'system:serviceaccount:ns:deployer', groups: ['system:serviceaccounts', 'system:authenticated'] },
  agent: { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] },
  joining: { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:authenticated'] },
  nobody: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
};

describe('decisions', () => {
  test.each<[string, string, string, boolean]>([
    ['admin', 'DELETE', '/api/v1/nodes/x', true],
    ['jane', 'GET', '/api/v1/namespaces/ns/services/x', true],
    ['jane', 'GET', '/api/v1/namespaces/ns/services', true],
    ['jane', 'GET', '/api/v1/namespaces/ns/services?watch=1', false],
    ['jane', 'GET', '/api/v1/namespaces/ns/services/x/proxy', false],
    ['jane', 'GET', '/api/v1/services', false],
    ['jane', 'GET', '/api/v1/namespaces/default/services/x', false],
    ['jane', 'GET', '/apis/apps/v1/namespaces/ns/deployments/x', false],
    ['jane', 'GET', '/api/v1/namespaces/ns/configmaps/settings', true],
    ['jane', 'GET', '/api/v1/namespaces/ns/configmaps/other', false],
    ['jane', 'GET', '/api/v1/namespaces/ns/configmaps', false],
    ['jane', 'GET', '/api/v1/namespaces/ns/configmaps?fieldSelector=metadata.name%3Dsettings', true],
    ['jane', 'GET', '/apis/apps/v1', true],
    ['jane', 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', true],
    ['jane', 'POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', false],
    ['jane', 'GET', '/metrics', false],
    ['dev', 'GET', '/api/v1/namespaces/ns/pods/p/log', true],
    ['dev', 'GET', '/api/v1/namespaces/ns/secrets/s', false],
    ['dev', 'POST', '/api/v1/namespaces/ns/pods/p/exec', false],
    ['deployer', 'POST', '/apis/apps/v1/namespaces/ns/deployments', true],
    ['deployer', 'POST', '/api/v1/namespaces/ns/pods/p/exec', true],
    ['deployer', 'POST', '/apis/example.com/v1/namespaces/ns/crontabs', true],
    ['deployer', 'POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/ns/roles', false],
    ['joining', 'POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', true],
    ['joining', 'GET', '/api/v1/nodes', false],
    ['nobody', 'GET', '/version', true],
    ['nobody', 'GET', '/healthz', true],
    ['nobody', 'GET', '/api', false],
    ['nobody', 'GET', '/api/v1/namespaces/ns/services', false],
  ])('%s %s %s: %s', (name, method, url, allowed) => {
    const authorizer = new RbacAuthorizer(view());
    expect(authorizer.authorize({ user: users[name]!, ...ask(method, url) }).allowed).toBe(allowed);
  });
});

describe('agents', () => {
  test.each<[string, string, boolean]>([
    ['POST', '/api/v1/nodes', true],
    ['GET', '/api/v1/nodes', true],
    ['PATCH', '/api/v1/nodes/node-1/status', true],
    // What an agent writes is held to its own by admission (NodeRestriction), as upstream.
    ['PATCH', '/api/v1/nodes/node-2/status', true],
    ['DELETE', '/api/v1/nodes/node-1', false],
    ['PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1', true],
    ['PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-2', false],
    ['PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/node-1', false],
    ['GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1&watch=true', true],
    ['GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-2&watch=true', false],
    ['GET', '/api/v1/pods', false],
    ['GET', '/api/v1/namespaces/ns/pods/mine', true],
    ['GET', '/api/v1/namespaces/ns/pods/other', false],
    ['PATCH', '/api/v1/namespaces/ns/pods/mine/status', true],
    ['PATCH', '/api/v1/namespaces/ns/pods/other/status', true],
    ['POST', '/api/v1/namespaces/ns/pods/other/eviction', true],
    ['DELETE', '/api/v1/namespaces/ns/pods/mine', true],
    ['PATCH', '/api/v1/namespaces/ns/pods/mine', false],
    ['POST', '/api/v1/namespaces/ns/pods/mine/exec', false],
    ['POST', '/api/v1/namespaces/ns/events', true],
    ['GET', '/api/v1/services?watch=1', true],
    ['PATCH', '/api/v1/namespaces/ns/services/x', false],
    ['GET', '/apis/discovery.k8s.io/v1/endpointslices', true],
    ['GET', '/api/v1/namespaces/ns/secrets/env', true],
    ['GET', '/api/v1/namespaces/ns/secrets/s2', false],
    ['GET', '/api/v1/namespaces/ns/secrets', false],
    ['GET', '/api/v1/namespaces/ns/secrets?watch=1&fieldSelector=metadata.name%3Denv', true],
    ['GET', '/api/v1/namespaces/ns/configmaps/kube-root-ca.crt', true],
    ['POST', '/api/v1/namespaces/ns/serviceaccounts/web/token', true],
    ['POST', '/api/v1/namespaces/ns/serviceaccounts/deployer/token', false],
    ['POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', true],
    ['GET', '/api/v1/namespaces/ns/persistentvolumeclaims/mine-e', true],
    ['GET', '/api/v1/namespaces/ns/persistentvolumeclaims/other-e', false],
    ['PATCH', '/api/v1/namespaces/ns/persistentvolumeclaims/mine-e/status', true],
    ['GET', '/api/v1/persistentvolumes/v1', true],
    ['GET', '/api/v1/persistentvolumes/v2', false],
    ['GET', '/api/v1/namespaces/ns/secrets/inline', true],
    ['GET', '/api/v1/namespaces/ns/secrets/stage', true],
    ['GET', '/api/v1/namespaces/ns/secrets/expand-by-controller', false],
    ['GET', '/api/v1/namespaces/ns/secrets/stage-2', false],
    ['GET', '/api/v1/namespaces/storage/secrets/flex', true],
    ['GET', '/api/v1/namespaces/ns/secrets/flex', false],
    ['GET', '/api/v1/namespaces/ns/secrets/azure', true],
    ['GET', '/apis/storage.k8s.io/v1/volumeattachments/a1', true],
    ['GET', '/apis/storage.k8s.io/v1/volumeattachments/a2', false],
    ['POST', '/apis/authorization.k8s.io/v1/namespaces/ns/localsubjectaccessreviews', true],
    ['POST', '/portico/v1/nodes/node-1/tunnel', true],
    ['POST', '/portico/v1/nodes/node-2/tunnel', false],
    ['GET', '/portico/v1/cluster', true],
    ['POST', '/portico/v1/cluster', false],
    ['POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', false],
  ])('%s %s: %s', (method, url, allowed) => {
    const authorizer = new RbacAuthorizer(view());
    expect(authorizer.authorize({ user: users.agent!, ...ask(method, url) }).allowed).toBe(allowed);
  });

  test('read all pods while there are NetworkPolicies, and no more of them than that', () => {
    const policy = { metadata: { name: 'p', namespace: 'ns' } } as KubeObject;
    const withPolicies = view().set({ group: 'networking.k8s.io', resource: 'networkpolicies' }, [policy]);
    const may = (method: string, url: string) =>
      new RbacAuthorizer(withPolicies).authorize({ user: users.agent!, ...ask(method, url) }).allowed;
    expect(may('GET', '/api/v1/pods?watch=1')).toBe(true);
    expect(may('GET', '/apis/networking.k8s.io/v1/networkpolicies')).toBe(true);
    expect(may('GET', '/api/v1/namespaces/ns/pods/other')).toBe(false);
    expect(may('POST', '/api/v1/namespaces/ns/pods/other/exec')).toBe(false);
    expect(may('DELETE', '/apis/networking.k8s.io/v1/namespaces/ns/networkpolicies/p')).toBe(false);
  });

  test.each([{}, { spec: null }, { spec: { nodeName: 'node-1', volumes: [null] } }])(
    'read what their pods refer to, beside one that somebody spoilt in storage: %j',
    (rest) => {
      const spoilt = { metadata: { name: 'a', namespace: 'ns' }, ...rest } as KubeObject;
      const objects = view();
      objects.set(core('pods'), [spoilt, ...objects.list<KubeObject>(core('pods'))]);
      const authorizer = new RbacAuthorizer(objects);
      const may = (url: string) => authorizer.authorize({ user: users.agent!, ...ask('GET', url) }).allowed;
      expect(['secrets/env', 'secrets/s2', 'pods/mine'].map((path) => may(`/api/v1/namespaces/ns/${path}`))).toEqual([
        true,
        false,
        true,
      ]);
      expect(() => may('/api/v1/namespaces/ns/pods/a')).not.toThrow();
    },
  );

  // What kube-apiserver 1.20 and the same code of 1.36 answer.
  const unrelated = "no relationship found between node 'node-1' and this object";
  const anyLease = 'can only get, create, update, patch, or delete a node lease';
  const leases = '/apis/coordination.k8s.io/v1/namespaces';
  const csiNodes = '/apis/storage.k8s.io/v1/csinodes';
  test.each<[string, string, string?]>([
    ['GET', '/api/v1/namespaces/ns/secrets/s2', unrelated],
    ['GET', '/api/v1/namespaces/ns/secrets', 'No Object name found'],
    ['GET', '/api/v1/configmaps', 'can only read namespaced object of this type'],
    ['DELETE', '/api/v1/namespaces/ns/configmaps/c', 'can only read resources of this type'],
    ['GET', '/api/v1/namespaces/ns/secrets/s2/x', 'cannot read subresource'],
    ['GET', '/api/v1/namespaces/ns/persistentvolumeclaims', 'can only get individual resources of this type'],
    ['GET', '/api/v1/namespaces/ns/persistentvolumeclaims/mine-e/status', 'can only get/update/patch this type'],
    ['PATCH', '/api/v1/namespaces/ns/persistentvolumeclaims/other-e/status', unrelated],
    ['PUT', '/api/v1/persistentvolumes/v1', 'can only get individual resources of this type'],
    ['GET', '/apis/storage.k8s.io/v1/volumeattachments/a1/status', 'cannot get subresource'],
    ['POST', '/api/v1/namespaces/ns/serviceaccounts', 'can only create tokens for individual service accounts'],
    ['POST', '/api/v1/namespaces/ns/serviceaccounts/web/x', 'can only create token subresource of serviceaccount'],
    ['POST', '/api/v1/namespaces/ns/serviceaccounts/deployer/token', unrelated],
    ['GET', '/api/v1/namespaces/ns/pods', 'can only list/watch pods with spec.nodeName field selector'],
    ['GET', '/api/v1/namespaces/ns/pods/other', unrelated],
    ['GET', `${leases}/kube-node-lease/leases`, anyLease],
    ['DELETE', `${leases}/kube-node-lease/leases`, anyLease],
    ['POST', `${leases}/ns/leases`, 'can only access leases in the "kube-node-lease" system namespace'],
    [
      'PUT',
      `${leases}/kube-node-lease/leases/node-2`,
      'can only access node lease with the same name as the requesting node',
    ],
    ['GET', csiNodes, 'can only get, create, update, patch, or delete a CSINode'],
    ['GET', `${csiNodes}/node-1/x`, 'cannot authorize CSINode subresources'],
    ['GET', `${csiNodes}/node-2`, 'can only access CSINode with the same name as the requesting node'],
    ['GET', '/api/v1/namespaces/ns/pods/mine/log'],
    ['DELETE', '/api/v1/nodes/node-1'],
    ['GET', '/apis/apps/v1/deployments'],
  ])('%s %s is refused: %s', (method, url, reason) => {
    const decision = new RbacAuthorizer(view()).authorize({ user: users.agent!, ...ask(method, url) });
    expect(decision).toEqual({ allowed: false, ...(reason !== undefined && { reason }) });
  });

  test('one without a name is no node', () => {
    const user = { name: 'system:node:', groups: ['system:nodes'] };
    expect(new RbacAuthorizer(view()).authorize({ user, ...ask('GET', '/api/v1/nodes/x') })).toEqual({
      allowed: false,
      reason: 'unknown node for user "system:node:"',
    });
  });
});

test.each([
  [
    'GET',
    '/api/v1/namespaces/default/services',
    'services is forbidden: User "jane" cannot list resource "services" in API group "" in the namespace "default"',
  ],
  [
    'GET',
    '/api/v1/nodes',
    'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
  ],
  [
    'POST',
    '/api/v1/namespaces/ns/pods/p/exec',
    'pods "p" is forbidden: User "jane" cannot create resource "pods/exec" in API group "" in the namespace "ns"',
  ],
  ['GET', '/metrics', 'forbidden: User "jane" cannot get path "/metrics"'],
])('refusals of %s %s', (method, url, message) => {
  expect(forbiddenError({ user: users.jane!, ...ask(method, url) }).message).toBe(message);
});

test('a change to a binding counts from then on', () => {
  const objects = view();
  const authorizer = new RbacAuthorizer(objects);
  const attributes = { user: users.jane!, ...ask('GET', '/api/v1/namespaces/ns/services') };
  expect(authorizer.authorize(attributes).allowed).toBe(true);
  objects.set(rbac('rolebindings'), []);
  expect(authorizer.authorize(attributes).allowed).toBe(false);
});

test.each([
  [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, 'GET', '/api/v1/namespaces/n/pods/p/log', true],
  [{ verbs: ['get'], apiGroups: [''], resources: ['*/log'] }, 'GET', '/api/v1/namespaces/n/pods/p/log', true],
  [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }, 'GET', '/api/v1/namespaces/n/pods/p/log', false],
  [{ verbs: ['get'], apiGroups: [''], resources: ['*'] }, 'GET', '/apis/apps/v1/namespaces/n/deployments/d', false],
  [{ verbs: ['get'], nonResourceURLs: ['/api/*'] }, 'GET', '/api/x', true],
  [{ verbs: ['get'], nonResourceURLs: ['/api'] }, 'GET', '/api/', false],
])('rule %j for %s %s: %s', (rule, method, url, allowed) => {
  const { verb, info } = ask(method, url);
  expect(ruleAllows(rule, verb, info)).toBe(allowed);
});

// As kube-apiserver 1.20 answered, and 1.36 does.
test('who is refused is told of the roles that are not there', () => {
  const rbacOnly = new RbacAuthorizer(
    view()
      .set(rbac('clusterrolebindings'), [
        {
          metadata: { name: 'c' },
          roleRef: { kind: 'ClusterRole', name: 'lost' },
          subjects: [jane, { kind: 'Group', name: 'devs' }],
        },
      ] as unknown as KubeObject[])
      .set(rbac('clusterroles'), []),
  );
  const decide = (url: string, groups: string[] = []) =>
    rbacOnly.authorize({ user: { name: 'jane', groups }, ...ask('GET', url) });
  const lost = 'clusterrole.rbac.authorization.k8s.io "lost" not found';
  const gone = 'role.rbac.authorization.k8s.io "gone" not found';
  expect(decide('/api/v1/pods', ['devs'])).toEqual({ allowed: false, reason: `RBAC: ${lost}` });
  expect(decide('/api/v1/namespaces/other/pods')).toEqual({ allowed: false, reason: `RBAC: ${lost}` });
  expect(decide('/api/v1/namespaces/ns/pods')).toEqual({ allowed: false, reason: `RBAC: [${lost}, ${gone}]` });
  expect(decide('/a')).toEqual({ allowed: false, reason: `RBAC: ${lost}` });
  expect(decide('/api/v1/namespaces/ns/services')).toMatchObject({ allowed: true });
});

describe('reviews', () => {
  const reviews = accessReviews(new RbacAuthorizer(view()));
  const info = parseRequestInfo('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', new URLSearchParams());
  const review = async (name: string, user: User, spec: object) => {
    const object = { kind: 'SubjectAccessReview', metadata: { name: '' }, spec } as KubeObject;
    return (
      (await reviews[`${name}.authorization.k8s.io`]!(object, { user, info, dryRun: false })) as { status?: unknown }
    ).status;
  };

  test('of others and of oneself', async () => {
    const resourceAttributes = { namespace: 'ns', verb: 'get', resource: 'services' };
    expect(await review('subjectaccessreviews', users.admin!, { user: 'jane', resourceAttributes })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "b1/ns" of Role "reader" to User "jane"',
    });
    const other = { ...resourceAttributes, verb: 'delete' };
    expect(await review('subjectaccessreviews', users.admin!, { user: 'jane', resourceAttributes: other })).toEqual({
      allowed: false,
      reason: 'RBAC: role.rbac.authorization.k8s.io "gone" not found',
    });
    const all = { verb: '*', resource: '*', group: '*' };
    expect(await review('selfsubjectaccessreviews', users.admin!, { resourceAttributes: all })).toEqual({
      allowed: true,
    });
    expect(await review('selfsubjectaccessreviews', users.jane!, { resourceAttributes: all })).toEqual({
      allowed: false,
    });
    expect(
      await review('selfsubjectaccessreviews', users.jane!, { nonResourceAttributes: { verb: 'get', path: '/api' } }),
    ).toMatchObject({ allowed: true });
  });

  test('selectors are asked about as they come: text, or requirements', async () => {
    const node = { name: 'system:node:node-1', groups: ['system:nodes'] };
    const listPods = (fieldSelector?: object) =>
      review('selfsubjectaccessreviews', node, {
        resourceAttributes: { verb: 'list', resource: 'pods', version: 'v1', ...(fieldSelector && { fieldSelector }) },
      });
    expect(await listPods()).toMatchObject({ allowed: false });
    expect(await listPods({ rawSelector: 'spec.nodeName=node-1' })).toMatchObject({ allowed: true });
    const requirement = { key: 'spec.nodeName', operator: 'In', values: ['node-1'] };
    expect(await listPods({ requirements: [requirement] })).toMatchObject({ allowed: true });
    expect(await listPods({ requirements: [{ ...requirement, values: ['node-2'] }] })).toMatchObject({
      allowed: false,
    });
    await expect(listPods({})).rejects.toThrow('requirements or rawSelector is required');
    await expect(listPods({ rawSelector: 'a=b', requirements: [requirement] })).rejects.toThrow('may not specified at');
    expect(await listPods({ requirements: [{ ...requirement, operator: 'Like' }] })).toMatchObject({ allowed: false });
    await expect(listPods({ requirements: [{ key: 'a', operator: 'NotIn' }] })).rejects.toThrow(
      'must be specified when',
    );
  });

  test('refuse what says nothing', async () => {
    await expect(review('selfsubjectaccessreviews', users.jane!, {})).rejects.toThrow('exactly one of');
    await expect(review('subjectaccessreviews', users.jane!, { resourceAttributes: { verb: 'get' } })).rejects.toThrow(
      'at least one of',
    );
  });

  test('list the rules of a user', async () => {
    const status = await review('selfsubjectrulesreviews', users.jane!, { namespace: 'ns' });
    expect(status).toMatchObject({
      incomplete: false,
      evaluationError: 'role.rbac.authorization.k8s.io "gone" not found',
    });
    expect((status as { resourceRules: object[] }).resourceRules).toContainEqual({
      apiGroups: [''],
      resources: ['services'],
      verbs: ['get', 'list'],
    });
  });
});

test.each([
  ['clusterroles', { aggregationRule: { clusterRoleSelectors: [null] } }],
  ['clusterrolebindings', {}],
  ['rolebindings', { roleRef: null }],
  ['rolebindings', { roleRef: { kind: 'Role', name: 'reader' }, subjects: [null] }],
  ['roles', { rules: 5 }],
  ['roles', { rules: [{ verbs: '*', apiGroups: ['*'], resources: ['*'] }] }],
  ['roles', { rules: [null] }],
])('of %s one that somebody spoilt in storage (%j) grants nothing, and the others do', (resource, spoilt) => {
  const objects = view();
  const metadata = { name: 'a', namespace: 'ns' };
  objects.set(rbac(resource), [{ metadata, ...spoilt } as KubeObject, ...objects.list<KubeObject>(rbac(resource))]);
  const bound = { metadata, roleRef: { kind: 'Role', name: 'a' }, subjects: [jane] } as unknown as KubeObject;
  if (resource === 'roles') {
    objects.set(rbac('rolebindings'), [bound, ...objects.list<KubeObject>(rbac('rolebindings'))]);
  }
  const user = { name: 'jane', groups: [] };
  const told: string[] = [];
  const authorizer = new RbacAuthorizer(objects, ({ message }) => told.push(message));
  const isAllowed = (method: string, url: string) => authorizer.authorize({ user, ...ask(method, url) }).allowed;
  expect(isAllowed('GET', '/api/v1/namespaces/ns/services')).toBe(true);
  expect(isAllowed('DELETE', '/api/v1/namespaces/ns/services/a')).toBe(false);
  // Another change: all is worked out anew, and nothing is said again.
  objects.set(rbac('roles'), [...objects.list<KubeObject>(rbac('roles'))]);
  expect(isAllowed('GET', '/api/v1/namespaces/ns/services')).toBe(true);
  expect(told).toEqual([
    expect.stringMatching(/^(Cluster)?Role(Binding)? "(ns\/)?a" cannot be read, and grants nothing: /),
  ]);
});

test('a binding of which one subject cannot be read grants the others nothing either', () => {
  const mary = { kind: 'User', name: 'mary' };
  const roleRef = { kind: 'Role', name: 'reader' };
  const bind = (subjects: readonly unknown[]) => {
    const binding = { metadata: { name: 'a', namespace: 'ns' }, roleRef, subjects } as unknown as KubeObject;
    return new RbacAuthorizer(view().set(rbac('rolebindings'), [binding]));
  };
  const asked = { user: { name: 'mary', groups: [] }, ...ask('GET', '/api/v1/namespaces/ns/services') };
  expect(bind([mary]).authorize(asked).allowed).toBe(true);
  expect(bind([mary, null]).authorize(asked).allowed).toBe(false);
});

test('what an aggregated role has from another counts once, also when it was written into it', () => {
  const rule = { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] };
  const clusterRoles = [
    { metadata: { name: 'a', labels: { to: 'all' } }, rules: [rule] },
    { metadata: { name: 'b', labels: { to: 'all' } }, rules: [{ ...rule, verbs: ['list'] }] },
    {
      metadata: { name: 'all' },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'all' } }] },
      rules: [rule],
    },
  ];
  expect(rulesOfClusterRoles(clusterRoles).get('all')).toEqual([rule, { ...rule, verbs: ['list'] }]);
});
