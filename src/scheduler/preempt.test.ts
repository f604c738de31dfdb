import { expect, test } from 'vitest';
import type { Pod } from '../api/core/v1/types.generated.ts';
import type { PodDisruptionBudget } from '../api/policy/v1/types.generated.ts';
import { filtersFor } from './decide.ts';
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

function preempt(incoming: Pod, nodes: NodeInfo[], budgets: PodDisruptionBudget[] = []) {
  const context = podContext(incoming, nodes);
  const found = findPreemption({ context, candidates: nodes, filtersFor, budgets });
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
  expect(preempt(pod('new', '4', 10), nodes, [budget])).toEqual(['b', 'y']);
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
