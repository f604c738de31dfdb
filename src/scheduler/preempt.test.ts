import { expect, test } from 'vitest';
import type { Pod } from '../api/core/v1/types.generated.ts';
import type { PodDisruptionBudget } from '../api/policy/v1/types.generated.ts';
import { rejectionOn } from './decide.ts';
import { podContext } from './fake/pod-context.ts';
import { NodeInfo } from './node-info.ts';
import { findPreemption, notEligible } from './preempt.ts';

function pod(name: string, cpu: string, priority: number, labels: Record<string, string> = {}): Pod {
  return {
    metadata: { name, namespace: 'default', uid: name, labels },
    spec: { priority, containers: [{ name: 'c', resources: { requests: { cpu } } }] },
  };
}

function nodeWith(name: string, ...pods: Pod[]): NodeInfo {
  const info = new NodeInfo({ metadata: { name }, spec: {}, status: { allocatable: { cpu: '4', pods: '10' } } });
  for (const one of pods) info.add(one);
  return info;
}

interface Around {
  readonly budgets?: PodDisruptionBudget[];
  /** By node. */
  readonly nominated?: Readonly<Record<string, Pod>>;
}

function preempt(incoming: Pod, nodes: NodeInfo[], { budgets = [], nominated = {} }: Around = {}) {
  const found = findPreemption({
    context: podContext(incoming, nodes),
    candidates: nodes,
    rejectionOn: (context, info) => rejectionOn(context, info, (name) => (nominated[name] ? [nominated[name]] : [])),
    budgets,
  });
  return 'reasons' in found ? found.reasons : [found.nodeName, ...found.victims.map(({ metadata }) => metadata.name)];
}

test.each<[string, NodeInfo[], string[]]>([
  ['no more go than must', [nodeWith('a', pod('x', '2', 1), pod('y', '2', 2))], ['a', 'x']],
  ['nobody of the same priority', [nodeWith('b', pod('x', '4', 10))], ['No preemption victims found for incoming pod']],
  [
    'the node whose victims matter least',
    [nodeWith('a', pod('x', '4', 5)), nodeWith('b', pod('y', '4', 2))],
    ['b', 'y'],
  ],
  ['then the fewest', [nodeWith('a', pod('x', '3', 1), pod('z', '1', 1)), nodeWith('b', pod('y', '4', 1))], ['b', 'y']],
  ['not where it does not help', [nodeWith('b', pod('x', '3', 20), pod('y', '1', 1))], ['Insufficient cpu']],
])('%s', (_, nodes, expected) => {
  const wanted = expected[0] === 'a' ? '2' : '4';
  expect(preempt(pod('new', wanted, 10), nodes)).toEqual(expected);
});

test('a budget is respected while another node will do', () => {
  const budget: PodDisruptionBudget = {
    metadata: { name: 'db', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'db' } } },
    status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  };
  const nodes = [nodeWith('a', pod('x', '4', 1, { app: 'db' })), nodeWith('b', pod('y', '4', 3))];
  expect(preempt(pod('new', '4', 10), nodes, { budgets: [budget] })).toEqual(['b', 'y']);
});

test('room that is made for a pod of the same priority is not made twice', () => {
  const nodes = [nodeWith('a', pod('x', '4', 1)), nodeWith('b', pod('y', '4', 3))];
  const incoming = pod('new', '4', 10);
  expect(preempt(incoming, nodes)).toEqual(['a', 'x']);
  expect(preempt(incoming, nodes, { nominated: { a: pod('other', '4', 10) } })).toEqual(['b', 'y']);
  expect(preempt(incoming, nodes, { nominated: { a: pod('other', '4', 9) } })).toEqual(['a', 'x']);
});

test('of pods that matter the same the last to start goes, and before it one that has not started', () => {
  const started = (name: string, second: number): Pod => ({
    ...pod(name, '2', 1),
    status: { startTime: `2026-01-01T00:00:0${second}Z` },
  });
  const created = pod('waits', '2', 1);
  created.metadata.creationTimestamp = '2025-01-01T00:00:00Z';
  expect(preempt(pod('new', '2', 10), [nodeWith('a', started('late', 2), started('early', 1))])).toEqual(['a', 'late']);
  expect(preempt(pod('new', '2', 10), [nodeWith('a', created, started('late', 2))])).toEqual(['a', 'waits']);
});

test('looks on while the first hundred nodes do not help', () => {
  const full = Array.from({ length: 120 }, (_, i) => nodeWith(`full-${i}`, pod(`x-${i}`, '4', 20)));
  expect(preempt(pod('new', '4', 10), [...full, nodeWith('last', pod('y', '4', 1))])).toEqual(['last', 'y']);
});

test('only a pod that ends to make room lets the pod wait for its node', () => {
  const ending = (reason: string) => {
    const other = pod('x', '4', 1);
    const status = { conditions: [{ type: 'DisruptionTarget', status: 'True', reason }] };
    return { ...other, metadata: { ...other.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }, status };
  };
  const waits = (reason: string) => notEligible(pod('new', '4', 10), nodeWith('a', ending(reason)));
  expect(waits('PreemptionByScheduler')).toBe('not eligible due to a terminating pod on the nominated node.');
  expect(waits('EvictionByEvictionAPI')).toBeUndefined();
});
