// The roles and bindings that every cluster has (upstream's bootstrap policy), made from the tables of bootstrap-roles.ts.

import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '../../api/rbac/v1/types.generated.ts';
import { table } from '../../apimachinery/table.ts';
import { clusterRoleTable, controllerRoleTable, roleTable } from './bootstrap-roles.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const verbSets = table<readonly string[]>({
  R: read,
  W: write,
  RW: [...write, ...read].sort(),
});

interface TableEntry {
  readonly name: string;
  /** The role that this one is aggregated to. */
  readonly to: string | undefined;
  readonly rules: readonly PolicyRule[];
}

function parseRule(line: string): PolicyRule {
  const [first = '', second = '', third = '', names] = line.trim().split(' ');
  if (first === 'E')
    return { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] };
  if (first === 'path') return { nonResourceURLs: third.split(','), verbs: second.split(',') };
  return {
    apiGroups: second.split(',').map((group) => (group === '-' ? '' : group)),
    ...(names !== undefined && { resourceNames: names.split(',') }),
    resources: third.split(','),
    verbs: [...(verbSets[first] ?? first.split(','))],
  };
}

function parseTable(table: string): TableEntry[] {
  return table
    .trim()
    .split('\n\n')
    .map((block) => {
      const [head = '', ...lines] = block.split('\n');
      const [name = '', to] = head.split(' -> ');
      return { name, to, rules: lines.map(parseRule) };
    });
}

const aggregated = (to: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${to}`]: 'true' });

function clusterRole(name: string, rules: readonly PolicyRule[], to?: string): ClusterRole {
  const metadata = { name, labels: { ...labels, ...(to !== undefined && aggregated(to)) }, annotations };
  return { kind: 'ClusterRole', apiVersion, metadata, rules: [...rules] };
}

/** A role that gathers the rules of all roles with its label; `rules` are those there are from the start. */
function gathering(name: string, rules: readonly PolicyRule[], to?: string): ClusterRole {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: aggregated(name) }] };
  return { ...clusterRole(name, rules, to), aggregationRule };
}

function makeClusterRoles(): ClusterRole[] {
  const table = parseTable(clusterRoleTable);
  const rulesTo = (target: string) => table.find(({ to }) => to === target)?.rules ?? [];
  const [adminRules, editRules, viewRules] = ['admin', 'edit', 'view'].map(rulesTo) as [
    PolicyRule[],
    PolicyRule[],
    PolicyRule[],
  ];
  return [
    ...table.map(({ name, rules, to }) => clusterRole(name, rules, to)),
    gathering('admin', [...editRules, ...viewRules, ...adminRules]),
    gathering('edit', [...editRules, ...viewRules], 'admin'),
    gathering('view', viewRules, 'edit'),
    ...parseTable(controllerRoleTable).map(({ name, rules }) => clusterRole(`system:controller:${name}`, rules)),
  ];
}

export const bootstrapClusterRoles: readonly ClusterRole[] = makeClusterRoles();

const group = (name: string): Subject => ({ kind: 'Group', apiGroup, name });
const user = (name: string): Subject => ({ kind: 'User', apiGroup, name });
const account = (name: string): Subject => ({ kind: 'ServiceAccount', namespace: 'kube-system', name });

function binding(roleName: string, subjects: readonly Subject[], name = roleName): ClusterRoleBinding {
  return {
    kind: 'ClusterRoleBinding',
    apiVersion,
    metadata: { name, labels, annotations },
    roleRef: { apiGroup, kind: 'ClusterRole', name: roleName },
    ...(subjects.length > 0 && { subjects: [...subjects] }),
  };
}

export const bootstrapClusterRoleBindings: readonly ClusterRoleBinding[] = [
  binding('cluster-admin', [group('system:masters')]),
  binding('system:discovery', [group('system:authenticated')]),
  binding('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
  binding('system:basic-user', [group('system:authenticated')]),
  binding('system:monitoring', [group('system:monitoring')]),
  // As upstream: the Node authorizer knows what nodes may do.
  binding('system:node', []),
  binding('system:node-proxier', [user('system:kube-proxy')]),
  binding('system:kube-dns', [account('kube-dns')]),
  binding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  binding('system:kube-scheduler', [user('system:kube-scheduler')]),
  binding('system:volume-scheduler', [user('system:kube-scheduler')]),
  binding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
  // What kubeadm makes, for nodes that join with a token.
  binding('system:node-bootstrapper', [group('system:bootstrappers')], 'portico:node-bootstrapper'),
  ...parseTable(controllerRoleTable).map(({ name }) => binding(`system:controller:${name}`, [account(name)])),
];

function placed(text: string): { readonly namespace: string; readonly name: string } {
  const slash = text.indexOf('/');
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

export const bootstrapRoles: readonly Role[] = parseTable(roleTable).map(({ name, rules }) => ({
  kind: 'Role',
  apiVersion,
  metadata: { ...placed(name), labels, annotations },
  rules: [...rules],
}));

function roleBinding(place: string, subjects: readonly Subject[], roleName = placed(place).name): RoleBinding {
  return {
    kind: 'RoleBinding',
    apiVersion,
    metadata: { ...placed(place), labels, annotations },
    roleRef: { apiGroup, kind: 'Role', name: roleName },
    subjects: [...subjects],
  };
}

const [manager, scheduler] = [user('system:kube-controller-manager'), user('system:kube-scheduler')];

export const bootstrapRoleBindings: readonly RoleBinding[] = [
  roleBinding(
    'kube-system/system::extension-apiserver-authentication-reader',
    [manager, scheduler],
    'extension-apiserver-authentication-reader',
  ),
  roleBinding('kube-system/system::leader-locking-kube-controller-manager', [
    manager,
    account('kube-controller-manager'),
    account('leader-election-controller'),
  ]),
  roleBinding('kube-system/system::leader-locking-kube-scheduler', [scheduler, account('kube-scheduler')]),
  roleBinding('kube-system/system:controller:bootstrap-signer', [account('bootstrap-signer')]),
  roleBinding('kube-system/system:controller:cloud-provider', [account('cloud-provider')]),
  roleBinding('kube-system/system:controller:token-cleaner', [account('token-cleaner')]),
  roleBinding('kube-public/system:controller:bootstrap-signer', [account('bootstrap-signer')]),
];
