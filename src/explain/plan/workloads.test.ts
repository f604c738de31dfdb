import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { settleWorkloads } from './workloads.ts';

const workload = (kind: string, replicas: number, image = 'a'): KubeObject =>
  ({ kind, metadata: { name: 'web', namespace: 'demo' }, spec: { replicas, template: { image } } }) as KubeObject;

const pod = (name: string, owner: object, isReady = true): KubeObject =>
  ({
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'demo',
      labels: { 'pod-template-hash': 'abc' },
      ownerReferences: [{ controller: true, ...owner }],
    },
    spec: { nodeName: 'a', containers: [] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  }) as unknown as KubeObject;

const settled = (before: readonly KubeObject[], after: readonly KubeObject[]) => {
  const { objects, notes } = settleWorkloads(before, after, 0);
  return { pods: objects.filter(({ kind }) => kind === 'Pod').map(({ metadata }) => metadata.name), notes };
};

test.each([
  { kind: 'Deployment', owner: { kind: 'ReplicaSet', name: 'web-abc' }, left: ['web-0', 'web-10'] },
  { kind: 'ReplicaSet', owner: { kind: 'ReplicaSet', name: 'web' }, left: ['web-0', 'web-10'] },
  // The highest ordinals go first, whoever is ready.
  { kind: 'StatefulSet', owner: { kind: 'StatefulSet', name: 'web' }, left: ['web-0', 'web-2'] },
])('a $kind with fewer replicas costs the pods that its controller picks', ({ kind, owner, left }) => {
  const others = pod('other-1', { kind: 'ReplicaSet', name: 'other-abc' });
  const pods = [pod('web-0', owner), pod('web-2', owner, false), pod('web-10', owner), others];
  expect(settled([workload(kind, 3), ...pods], [workload(kind, 2), ...pods])).toEqual({
    pods: [...left, 'other-1'],
    notes: [],
  });
});

test('pods that come, or are made anew, are told of', () => {
  const [one, two] = [workload('Deployment', 1), workload('Deployment', 2)];
  expect(settled([], [one]).notes).toEqual(['1 more pod of Deployment demo/web: addresses are known when they run']);
  expect(settled([one], [workload('Deployment', 3)]).notes).toEqual([
    '2 more pods of Deployment demo/web: addresses are known when they run',
  ]);
  expect(settled([two], [workload('Deployment', 2, 'b')]).notes).toEqual([
    'every pod of Deployment demo/web is made anew: addresses are known when they run',
  ]);
  expect(settled([two], [two]).notes).toEqual([]);
});
