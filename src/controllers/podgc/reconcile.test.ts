import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { makeNode, makePod } from '../harness/start.ts';
import { podsToCollect } from './reconcile.ts';

const now = Date.parse('2026-01-01T00:10:00Z');
const none = new Map<string, number>();
const names = (pods: readonly Readonly<Pod>[]) => pods.map((pod) => pod.metadata.name);

function ended(name: string, creationTimestamp: string): Pod {
  const pod = makePod(name, {}, { nodeName: 'node-1' });
  return { ...pod, metadata: { ...pod.metadata, creationTimestamp }, status: { phase: 'Succeeded' } };
}

test('of ended pods beyond the threshold evicted ones and the oldest go', () => {
  const evicted = ended('z', '2026-01-01T00:09:00Z');
  evicted.status = { phase: 'Failed', reason: 'Evicted' };
  const pods = [
    evicted,
    ended('d', '2026-01-01T00:02:00Z'),
    ended('b', '2026-01-01T00:02:00Z'),
    ended('a', '2026-01-01T00:01:00Z'),
    ended('c', '2026-01-01T00:03:00Z'),
  ];
  const node = () => makeNode('node-1');
  const collected = (threshold: number) => names(podsToCollect({ pods, node, missedSince: none, now, threshold }));
  expect(collected(4)).toEqual(['z']);
  expect(collected(2)).toEqual(['z', 'a', 'b']);
  expect(collected(0)).toEqual([]);
});

test('pods of a node that has been gone for 40 s go', () => {
  const pods = [makePod('a', {}, { nodeName: 'gone' }), makePod('b', {}, { nodeName: 'new' })];
  const missedSince = new Map([
    ['gone', now - 40_000],
    ['new', now - 39_000],
  ]);
  expect(names(podsToCollect({ pods, node: () => undefined, missedSince, now, threshold: 10 }))).toEqual(['a']);
});

test('a pod that is deleted before it had a node goes', () => {
  const deleting = makePod('a', {});
  deleting.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  const pods = [deleting, makePod('b', {})];
  expect(names(podsToCollect({ pods, node: () => undefined, missedSince: none, now, threshold: 10 }))).toEqual(['a']);
});

test('a deleted pod of a node that is out of service goes once the node is silent', () => {
  const pod = makePod('a', {}, { nodeName: 'node-1' });
  const deleting = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const collected = (pods: Pod[], status: string) => {
    const node = () => ({
      ...makeNode('node-1'),
      spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' as const }] },
      status: { conditions: [{ type: 'Ready', status }] },
    });
    return names(podsToCollect({ pods, node, missedSince: none, now, threshold: 10 }));
  };
  expect(collected([deleting], 'Unknown')).toEqual(['a']);
  expect(collected([deleting], 'True')).toEqual([]);
  expect(collected([pod], 'Unknown')).toEqual([]);
});
