import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
const account = { kind: 'ServiceAccount', name: 'a' };

test.each<[string, Body, string[]]>([
  ['rolebindings', { roleRef, subjects: [account] }, []],
  ['clusterrolebindings', { roleRef, subjects: [account] }, ['subjects[0].namespace: Required value']],
  [
    'clusterrolebindings',
    { roleRef: { ...roleRef, kind: 'Role' }, subjects: [{ kind: 'Robot', name: 'r' }] },
    [
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
    ],
  ],
  ['rolebindings', { roleRef, subjects: [{ kind: 'User', name: '' }] }, ['subjects[0].name: Required value']],
  [
    'clusterroles',
    { aggregationRule: {} },
    [
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ],
  ],
  [
    'clusterroles',
    { aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Bad' }] }] } },
    [
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "Bad": not a valid selector operator',
      'aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector.',
    ],
  ],
  [
    'roles',
    { rules: [{ verbs: [], nonResourceURLs: ['/x'] }] },
    [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
    ],
  ],
  [
    'leases',
    { spec: { strategy: 'Newest' } },
    ['spec.strategy.strategy: Unsupported value: "Newest": supported values: "OldestEmulationVersion"'],
  ],
  [
    'leases',
    { spec: { leaseDurationSeconds: 0, preferredHolder: 'b' } },
    [
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
      'spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined',
    ],
  ],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

test('a binding keeps its role', () => {
  expect(judgeOf('rolebindings').update({ roleRef }, { roleRef: { name: 'edit' } })).toEqual([
    'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"edit"}: cannot change roleRef',
  ]);
});
