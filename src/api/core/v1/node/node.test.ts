import { expect, test } from 'vitest';
import type { Node } from '../types.generated.ts';
import { node } from './index.ts';

test('fields that nothing reads any more are warned of, labels that kubelets set are not', () => {
  const labels = { 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/os': 'linux' };
  const warnings = (spec: Node['spec']) => node.strategy?.warnings?.({ metadata: { name: 'n', labels }, spec });
  expect(warnings({})).toEqual([]);
  expect(warnings({ externalID: 'x' })).toEqual([
    'spec.externalID: this field is deprecated, and is unused by Kubernetes',
  ]);
});
