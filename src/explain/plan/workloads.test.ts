import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { settleWorkloads } from './workloads.ts';

const workload = (kind: string, replicas: number, image = 'a', spec: object = {}): KubeObject =>
  ({
    kind,
    metadata: { name: 'web', namespace: 'demo' },
    spec: { replicas, template: { image }, ...spec },
  }) as KubeObject;

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

test.each([
  ['ReplicaSet', {}, 'pods of ReplicaSet demo/web stay as they are: only those that come have the new template'],
  [
    'Deployment',
    { paused: true },
    'Deployment demo/web is paused: its pods stay as they are until it goes on (kubectl rollout resume)',
  ],
  [
    'StatefulSet',
    { updateStrategy: { type: 'OnDelete' } },
    'pods of StatefulSet demo/web stay as they are until somebody deletes them (updateStrategy: OnDelete)',
  ],
  [
    'StatefulSet',
    { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
    'every pod of StatefulSet demo/web from the ordinal 2 on is made anew: addresses are known when they run',
  ],
])('not every %s makes all pods anew when their template changes', (kind, spec, note) => {
  const more = '1 more pod of';
  const { notes } = settled([workload(kind, 3, 'a', spec)], [workload(kind, 4, 'b', spec)]);
  expect(notes).toEqual([note, expect.stringContaining(more)]);
});

test('of a pod that comes by itself it is told that its address is not known', () => {
  const alone = pod('alone', {});
  expect(settled([], [alone]).notes).toEqual(['Pod demo/alone: its address is known when it runs']);
  const running = { ...alone, status: { podIP: '10.244.0.5' } } as KubeObject;
  expect([settled([alone], [alone]).notes, settled([], [running]).notes]).toEqual([[], []]);
});

test('a new pod on the network of a node that it names has its addresses, and is ready', () => {
  const addresses = ['172.30.0.11', 'fd00:30::11'].map((address) => ({ type: 'InternalIP', address }));
  const node = { kind: 'Node', metadata: { name: 'a' }, status: { addresses } } as KubeObject;
  const hostly = (nodeName?: string) =>
    ({
      kind: 'Pod',
      metadata: { name: 'hostly', namespace: 'demo' },
      spec: { hostNetwork: true, nodeName, containers: [] },
    }) as unknown as KubeObject;
  const found = settleWorkloads([node], [node, hostly('a')], 0);
  expect(found.objects[1]).toMatchObject({
    status: {
      podIP: '172.30.0.11',
      podIPs: [{ ip: '172.30.0.11' }, { ip: 'fd00:30::11' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  });
  expect(found.notes).toEqual(['Pod demo/hostly: it has the address of a, and is foreseen as it is once it is ready']);
  for (const unplaced of [hostly(), hostly('b')]) {
    expect(settleWorkloads([node], [node, unplaced], 0)).toEqual({
      objects: [node, unplaced],
      notes: ['Pod demo/hostly: its address is known when it runs'],
    });
  }
});
