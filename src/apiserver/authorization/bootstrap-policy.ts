// The roles and bindings that every cluster has (upstream's bootstrap policy), as data, and how they come to be there.
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Subject } from '../../api/rbac/v1/types.generated.ts';
import type { Transport } from '../../client/types.ts';
import type { ObjectView } from '../object-view.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const everything = [...read, ...write];

/** Groups, resources and verbs as comma-separated lists, an empty group list being the core group. */
function rule(groups: string, resources: string, verbs: readonly string[]): PolicyRule {
  return { apiGroups: groups.split(','), resources: resources.split(','), verbs: [...verbs] };
}

function paths(...nonResourceURLs: string[]): PolicyRule {
  return { nonResourceURLs, verbs: ['get'] };
}

function role(name: string, rules: readonly PolicyRule[], more: Partial<ClusterRole> = {}): ClusterRole {
  const metadata = { name, labels: { ...labels, ...more.metadata?.labels }, annotations };
  return { kind: 'ClusterRole', apiVersion, ...more, metadata, rules: [...rules] };
}

const aggregated = (to: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${to}`]: 'true' });

/** A role that gathers the rules of all roles with its label; `rules` are those there are from the start. */
function aggregate(name: string, to: string | undefined, rules: readonly PolicyRule[]): ClusterRole {
  return role(name, rules, {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregated(name) }] },
    metadata: { name, labels: to === undefined ? {} : aggregated(to) },
  });
}

function part(name: string, rules: readonly PolicyRule[]): ClusterRole {
  return role(`system:aggregate-to-${name}`, rules, { metadata: { name: '', labels: aggregated(name) } });
}

const workloads = {
  core: 'configmaps,events,persistentvolumeclaims,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services',
  apps: 'daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale',
  extensions:
    'daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale',
};

const viewRules: readonly PolicyRule[] = [
  rule(
    '',
    'configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status',
    read,
  ),
  rule(
    '',
    'bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status',
    read,
  ),
  rule('', 'namespaces', read),
  rule('discovery.k8s.io', 'endpointslices', read),
  rule(
    'apps',
    'controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status',
    read,
  ),
  rule('autoscaling', 'horizontalpodautoscalers,horizontalpodautoscalers/status', read),
  rule('batch', 'cronjobs,cronjobs/status,jobs,jobs/status', read),
  rule('policy', 'poddisruptionbudgets,poddisruptionbudgets/status', read),
  rule('networking.k8s.io', 'ingresses,ingresses/status,networkpolicies', read),
];

const editRules: readonly PolicyRule[] = [
  rule('', 'pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy', read),
  rule('', 'serviceaccounts', ['impersonate']),
  rule('', 'pods,pods/attach,pods/exec,pods/portforward,pods/proxy', write),
  rule('', 'pods/eviction', ['create']),
  rule('', `${workloads.core},secrets,services/proxy`, write),
  rule('', 'serviceaccounts/token', ['create']),
  rule('apps', workloads.apps, write),
  rule('autoscaling', 'horizontalpodautoscalers', write),
  rule('batch', 'cronjobs,jobs', write),
  rule('policy', 'poddisruptionbudgets', write),
  rule('networking.k8s.io', 'ingresses,networkpolicies', write),
  rule('coordination.k8s.io', 'leases', everything),
];

const adminRules: readonly PolicyRule[] = [
  rule('authorization.k8s.io', 'localsubjectaccessreviews', ['create']),
  rule(apiGroup, 'rolebindings,roles', everything),
];

const nodeRules: readonly PolicyRule[] = [
  rule('authentication.k8s.io', 'tokenreviews', ['create']),
  rule('authorization.k8s.io', 'localsubjectaccessreviews,subjectaccessreviews', ['create']),
  rule('', 'services', read),
  rule('', 'nodes', ['create', ...read]),
  rule('', 'nodes/status', ['patch', 'update']),
  rule('', 'nodes', ['patch', 'update']),
  rule('', 'events', ['create', 'patch', 'update']),
  rule('', 'pods', [...read, 'create', 'delete']),
  rule('', 'pods/status', ['patch', 'update']),
  rule('', 'pods/eviction', ['create']),
  rule('', 'configmaps,secrets,persistentvolumeclaims,persistentvolumes', read),
  rule('certificates.k8s.io', 'certificatesigningrequests', ['create', ...read]),
  rule('coordination.k8s.io', 'leases', ['create', 'delete', 'get', 'patch', 'update']),
  rule('', 'serviceaccounts/token', ['create']),
  rule('discovery.k8s.io', 'endpointslices', read),
];

const health = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const discovery = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'];

export const bootstrapClusterRoles: readonly ClusterRole[] = [
  role('cluster-admin', [rule('*', '*', ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }]),
  role('system:discovery', [paths(...discovery, ...health)]),
  role('system:public-info-viewer', [paths(...health)]),
  role('system:basic-user', [
    rule('authorization.k8s.io', 'selfsubjectaccessreviews,selfsubjectrulesreviews', ['create']),
    rule('authentication.k8s.io', 'selfsubjectreviews', ['create']),
  ]),
  role('system:monitoring', [
    paths('/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*'),
  ]),
  aggregate('admin', undefined, [...adminRules, ...editRules, ...viewRules]),
  aggregate('edit', 'admin', [...editRules, ...viewRules]),
  aggregate('view', 'edit', viewRules),
  part('admin', adminRules),
  part('edit', editRules),
  part('view', viewRules),
  role('system:node', nodeRules),
  role('system:node-proxier', [
    rule('', 'services', ['list', 'watch']),
    rule('', 'nodes', read),
    rule(',events.k8s.io', 'events', ['create', 'patch', 'update']),
    rule('discovery.k8s.io', 'endpointslices', ['list', 'watch']),
    rule('networking.k8s.io', 'servicecidrs', ['list', 'watch']),
  ]),
  role('system:node-bootstrapper', [rule('certificates.k8s.io', 'certificatesigningrequests', ['create', ...read])]),
  role('system:kube-dns', [
    rule('', 'endpoints,services,pods,namespaces', ['list', 'watch']),
    rule('discovery.k8s.io', 'endpointslices', ['list', 'watch']),
  ]),
  role('system:kube-controller-manager', [rule('*', '*', ['*'])]),
  role('system:kube-scheduler', [
    rule(',events.k8s.io', 'events', ['create', 'patch', 'update']),
    rule('coordination.k8s.io', 'leases', everything),
    rule('', 'nodes,namespaces,persistentvolumeclaims,persistentvolumes,replicationcontrollers,services', read),
    rule('', 'pods', ['delete', ...read]),
    rule('', 'bindings,pods/binding', ['create']),
    rule('', 'pods/status', ['patch', 'update']),
    rule('apps', 'replicasets,statefulsets', read),
    rule('policy', 'poddisruptionbudgets', read),
    rule('storage.k8s.io', 'csinodes,storageclasses,csidrivers,csistoragecapacities', read),
  ]),
  role('system:auth-delegator', [
    rule('authentication.k8s.io', 'tokenreviews', ['create']),
    rule('authorization.k8s.io', 'subjectaccessreviews', ['create']),
  ]),
  role('system:service-account-issuer-discovery', [
    paths(
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/',
      '/openid/v1/jwks',
      '/openid/v1/jwks/',
    ),
  ]),
];

const group = (name: string): Subject => ({ kind: 'Group', apiGroup, name });
const user = (name: string): Subject => ({ kind: 'User', apiGroup, name });

function binding(roleName: string, subjects: readonly Subject[], name = roleName): ClusterRoleBinding {
  const roleRef = { apiGroup, kind: 'ClusterRole', name: roleName };
  return {
    kind: 'ClusterRoleBinding',
    apiVersion,
    metadata: { name, labels, annotations },
    roleRef,
    subjects: [...subjects],
  };
}

export const bootstrapClusterRoleBindings: readonly ClusterRoleBinding[] = [
  binding('cluster-admin', [group('system:masters')]),
  binding('system:discovery', [group('system:authenticated')]),
  binding('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
  binding('system:basic-user', [group('system:authenticated')]),
  binding('system:monitoring', [group('system:monitoring')]),
  binding('system:node-proxier', [user('system:kube-proxy')]),
  binding('system:kube-dns', [{ kind: 'ServiceAccount', namespace: 'kube-system', name: 'kube-dns' }]),
  binding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  binding('system:kube-scheduler', [user('system:kube-scheduler')]),
  binding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
  binding('system:node-bootstrapper', [group('system:bootstrappers')], 'portico:node-bootstrapper'),
];

/** Creates what the cluster lacks of the bootstrap policy, all at once; what is there is left as it is. */
export async function ensureBootstrapPolicy(transport: Transport, view: ObjectView): Promise<void> {
  const create = async (resource: string, objects: readonly (ClusterRole | ClusterRoleBinding)[]) => {
    const missing = objects.filter(({ metadata }) => !view.get({ group: apiGroup, resource }, '', metadata.name));
    await Promise.all(missing.map((object) => post(transport, `/apis/${apiVersion}/${resource}`, object)));
  };
  await Promise.all([
    create('clusterroles', bootstrapClusterRoles),
    create('clusterrolebindings', bootstrapClusterRoleBindings),
  ]);
}

async function post(transport: Transport, path: string, object: ClusterRole | ClusterRoleBinding): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await transport.request({ method: 'POST', path, headers, body: JSON.stringify(object) });
  // 409: another server of the same store was faster.
  if (response.status === 201 || response.status === 409) return;
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  throw new Error(`cannot create ${path}/${object.metadata.name}: ${Buffer.concat(chunks).toString().trim()}`);
}
