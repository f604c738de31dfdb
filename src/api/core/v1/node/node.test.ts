import { expect, test } from 'vitest';
import type { Node } from '../types.generated.ts';
import { node } from './index.ts';
import { validateNodeUpdate } from './validation.ts';

test.each<[Node['spec'], Node['spec']]>([
  [{ podCIDR: '10.0.0.0/24' }, { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }],
  [{ podCIDRs: ['10.0.0.0/24', 'fd00::/64'] }, { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24', 'fd00::/64'] }],
  [
    { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24', 'fd00::/64'] },
    { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24', 'fd00::/64'] },
  ],
  [
    { podCIDR: '10.9.0.0/24', podCIDRs: ['10.0.0.0/24', 'fd00::/64'] },
    { podCIDR: '10.9.0.0/24', podCIDRs: ['10.9.0.0/24'] },
  ],
])('podCIDR and podCIDRs say the same: of %j comes %j', (spec, expected) => {
  const object: Node = { metadata: { name: 'n' }, spec: structuredClone(spec) };
  node.strategy?.default?.(object);
  expect(object.spec).toEqual(expected);
});

test('a range that is given cannot be changed by the older field alone', () => {
  const old: Node = { metadata: { name: 'n' }, spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] } };
  const changed: Node = { metadata: { name: 'n' }, spec: { ...old.spec, podCIDR: '10.9.0.0/24' } };
  node.strategy?.default?.(changed);
  expect(validateNodeUpdate(changed, old)).toMatchObject([{ field: 'spec.podCIDRs' }]);
});

test('what a kubelet declares is looked at in its status, too', () => {
  const old: Node = { metadata: { name: 'n' }, spec: {} };
  const declared = (declaredFeatures: string[]): Node => ({ ...old, status: { declaredFeatures } });
  expect(validateNodeUpdate(declared(['A', 'B/c']), old)).toEqual([]);
  expect(validateNodeUpdate(declared(['B', 'A']), old)).toMatchObject([{ field: 'status.declaredFeatures[1]' }]);
});

test('fields that nothing reads any more are warned of, labels that kubelets set are not', () => {
  const labels = { 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/os': 'linux' };
  const warnings = (spec: Node['spec']) => node.strategy?.warnings?.({ metadata: { name: 'n', labels }, spec });
  expect(warnings({})).toEqual([]);
  expect(warnings({ externalID: 'x' })).toEqual([
    'spec.externalID: this field is deprecated, and is unused by Kubernetes',
  ]);
});
