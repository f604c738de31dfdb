import { describe, expect, test } from 'vitest';
import {
  bootstrapClusterRoleBindings,
  bootstrapClusterRoles,
  bootstrapRoleBindings,
  bootstrapRoles,
} from './bootstrap-policy.ts';
import { reconciledBinding, reconciledRole } from './reconcile-policy.ts';

const named = (name: string) => bootstrapClusterRoles.find(({ metadata }) => metadata.name === name)!;
const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });

describe('the bootstrap policy', () => {
  test('is as upstream prints it', () => {
    expect(named('system:kube-dns')).toEqual({
      kind: 'ClusterRole',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: {
        name: 'system:kube-dns',
        labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
        annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
      },
      rules: [{ apiGroups: [''], resources: ['endpoints', 'services'], verbs: ['list', 'watch'] }],
    });
    expect(named('edit').metadata.labels).toMatchObject({ 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' });
    expect(named('system:certificates.k8s.io:kubelet-serving-approver').rules).toEqual([
      {
        apiGroups: ['certificates.k8s.io'],
        resourceNames: ['kubernetes.io/kubelet-serving'],
        resources: ['signers'],
        verbs: ['approve'],
      },
    ]);
  });

  test('every binding is to a role that is there, under a name of its own', () => {
    const clusterRoles = new Set(bootstrapClusterRoles.map(({ metadata }) => metadata.name));
    expect(clusterRoles.size).toBe(bootstrapClusterRoles.length);
    for (const { roleRef } of bootstrapClusterRoleBindings) expect(clusterRoles).toContain(roleRef.name);
    const roles = new Set(bootstrapRoles.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    for (const { metadata, roleRef } of bootstrapRoleBindings)
      expect(roles).toContain(`${metadata.namespace}/${roleRef.name}`);
  });

  test('every rule is whole', () => {
    for (const { rules = [] } of [...bootstrapClusterRoles, ...bootstrapRoles]) {
      for (const { verbs, resources, nonResourceURLs } of rules ?? []) {
        expect(verbs.every((verb) => /^(\*|[a-z]+)$/.test(verb))).toBe(true);
        expect((resources ?? nonResourceURLs ?? []).length).toBeGreaterThan(0);
      }
    }
  });
});

describe('at start', () => {
  const expected = named('system:node-problem-detector');

  test('what is as it should be is not written', () => {
    expect(reconciledRole(expected, expected)).toBeUndefined();
  });

  test('rules that someone took away come back, those that someone added stay', () => {
    const present = { ...expected, rules: [rule('added'), ...expected.rules!.slice(1)] };
    expect(reconciledRole(present, expected)?.rules).toEqual([...present.rules, rule('nodes')]);
  });

  // Whoever does not want a default role to be gathered says so in its label.
  test('labels stay as someone changed them, others come back', () => {
    const edit = named('system:aggregate-to-edit');
    const aggregate = 'rbac.authorization.k8s.io/aggregate-to-edit';
    const metadata = { ...edit.metadata, labels: { [aggregate]: 'false', mine: 'x' } };
    expect(reconciledRole({ ...edit, metadata }, edit)?.metadata.labels).toEqual({
      [aggregate]: 'false',
      'kubernetes.io/bootstrapping': 'rbac-defaults',
      mine: 'x',
    });
  });

  test('a role that is to gather nothing gathers nothing', () => {
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
    expect(reconciledRole({ ...expected, aggregationRule }, expected)).toEqual(expected);
  });

  test('a role that says so is left alone', () => {
    const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
    const present = { ...expected, rules: [], metadata: { ...expected.metadata, annotations } };
    expect(reconciledRole(present, expected)).toBeUndefined();
  });

  test('the rules of a role that gathers others are not touched, its selector is', () => {
    const view = named('view');
    const present = { ...view, rules: [], aggregationRule: { clusterRoleSelectors: [{ matchLabels: { mine: 'x' } }] } };
    const reconciled = reconciledRole(present, view);
    expect(reconciled?.rules).toEqual([]);
    expect(reconciled?.aggregationRule?.clusterRoleSelectors).toHaveLength(2);
  });

  test('subjects come back, others stay; a binding to another role is made anew', () => {
    const binding = bootstrapClusterRoleBindings.find(({ metadata }) => metadata.name === 'system:discovery')!;
    const jane = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' };
    expect(reconciledBinding({ ...binding, subjects: [jane] }, binding)?.subjects).toEqual([
      jane,
      ...binding.subjects!,
    ]);
    const elsewhere = { ...binding, roleRef: { ...binding.roleRef, name: 'other' }, subjects: [] };
    expect(reconciledBinding(elsewhere, binding)).toBe(binding);
    const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
    const kept = { ...elsewhere, metadata: { ...elsewhere.metadata, annotations } };
    expect(reconciledBinding(kept, binding)).toBeUndefined();
  });
});
