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

test('roles that gather each other come to rest', () => {
  const selecting = (
    name: string,
    matchLabels: Record<string, string>,
    labels: Record<string, string>,
  ): ClusterRole => ({
    ...role(name, [rule(name)], labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels }] },
  });
  let roles = [
    selecting('edit', { to: 'edit' }, {}),
    selecting('view', { to: 'view' }, { to: 'edit' }),
    selecting('x', {}, { to: 'view' }),
  ];
  let writes = 0;
  for (let round = 0; round < 10; round++) {
    for (const { metadata } of roles) {
      const one = roles.find((role) => role.metadata.name === metadata.name)!;
      const rules = reconcile(one, roles);
      if (!rules) continue;
      writes++;
      roles = roles.map((other) => (other === one ? { ...one, rules: [...rules] } : other));
    }
  }
  expect(writes).toBeLessThan(8);
});
