import { expect, test } from 'vitest';
import type { ClusterRole, PolicyRule } from '../../api/rbac/v1/types.generated.ts';
import { reconcile } from './reconcile.ts';

const rule = (resource: string): PolicyRule => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });
const role = (name: string, rules: PolicyRule[], labels: Record<string, string> = {}): ClusterRole => ({
  metadata: { name, labels },
  rules,
});
const gathering = (rules: PolicyRule[]): ClusterRole => ({
  ...role('all', rules, { part: 'yes' }),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] },
});

test('rules of the selected roles, by their names, each once and without its own', () => {
  const all = gathering([rule('old')]);
  const others = [
    role('z', [rule('pods')], { part: 'yes' }),
    role('a', [rule('services'), rule('pods')], { part: 'yes' }),
    role('other', [rule('secrets')]),
  ];
  const rules = [rule('services'), rule('pods')];
  expect(reconcile(all, [all, ...others])).toEqual(rules);
  expect(reconcile(gathering(rules), others)).toBeUndefined();
});

test('a role that gathers nothing is left alone', () => {
  expect(reconcile(role('a', [rule('pods')]), [])).toBeUndefined();
});
