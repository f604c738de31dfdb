import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { podContext } from '../fake/pod-context.ts';
import { NodeInfo } from '../node-info.ts';
import { spread } from './spread.ts';

type Metadata = Partial<Pod['metadata']>;

function pod(name: string, metadata: Metadata = {}, spec: Partial<Pod['spec']> = {}): Pod {
  return { metadata: { name, namespace: 'default', ...metadata }, spec: { containers: [], ...spec } };
}

/** A node in a zone, with pods. */
function node(name: string, zone: string, ...pods: readonly Pod[]): NodeInfo {
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone };
  const info = new NodeInfo({ metadata: { name, labels }, spec: {} });
  for (const one of pods) info.add(one);
  return info;
}

function ask(asked: Pod, nodes: readonly NodeInfo[], services?: Record<string, string>) {
  return spread(podContext(asked, nodes, { serviceSelector: () => services }), nodes);
}

const ownedBy = (kind: string, uid: string): Metadata => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'web', uid, controller: true }],
});
const web: Metadata = { labels: { app: 'web' } };

test('replicas go where few of them are, by node and by zone', () => {
  const replica = ownedBy('ReplicaSet', 'rs-1');
  const nodes = [
    node('a1', 'a', pod('x', replica), pod('y', replica)),
    node('a2', 'a', pod('other', ownedBy('ReplicaSet', 'rs-2'))),
    node('b1', 'b'),
  ];
  const scores = ask(pod('new', replica), nodes) ?? [];
  expect(scores[2]).toBe(100);
  expect(scores[0]).toBeLessThan(scores[1] ?? 0);
  expect(scores[1]).toBeLessThan(100);
});

test('a pod without such an owner is spread from what its Services select, whoever owns that', () => {
  const nodes = [node('n1', 'a', pod('x', { ...web, ...ownedBy('ReplicaSet', 'rs-1') })), node('n2', 'a', pod('y'))];
  const scores = ask(pod('new', { ...web, ...ownedBy('Job', 'job-1') }), nodes, { app: 'web' }) ?? [];
  expect(scores[0]).toBeLessThan(scores[1] ?? 0);
  // Counts follow pods that come and go.
  nodes[1]?.add(pod('z1', web));
  nodes[1]?.add(pod('z2', web));
  const now = ask(pod('new', web), nodes, { app: 'web' }) ?? [];
  expect(now[1]).toBeLessThan(now[0] ?? 0);
  nodes[1]?.remove(pod('z1', web));
  nodes[1]?.add(pod('z2', { ...web, deletionTimestamp: '2026-01-01T00:00:00Z' }));
  const later = ask(pod('new', web), nodes, { app: 'web' }) ?? [];
  expect(later[0]).toBeLessThan(later[1] ?? 0);
});

test('by default only nodes where the pod may be count for their zone', () => {
  const replica = ownedBy('ReplicaSet', 'rs-1');
  const [a1, a2, b1] = [node('a1', 'a'), node('a2', 'a', pod('x', replica), pod('y', replica)), node('b1', 'b')];
  const nodes = [a1, a2, b1];
  const chosen = { nodeSelector: { 'kubernetes.io/hostname': 'a1' } };
  expect(spread(podContext(pod('new', replica), nodes), [a1, b1])).toEqual([66, 100]);
  expect(spread(podContext(pod('new', replica, chosen), nodes), [a1, b1])).toEqual([100, 100]);
});

test('without owner and Service there is nothing to spread from', () => {
  expect(ask(pod('new', web), [node('n1', 'a', pod('x', web)), node('n2', 'a')])).toBeUndefined();
});

test('own constraints take the place of the defaults; nodes without their label get nothing', () => {
  const labelSelector = { matchLabels: { app: 'web' } };
  const constraint = { topologyKey: 'rack', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway', labelSelector };
  const [full, empty, outside] = [node('n1', 'a', pod('x', web)), node('n2', 'a'), node('n3', 'a')];
  for (const [info, rack] of [
    [full, 'r1'],
    [empty, 'r2'],
  ] as const) {
    info.update({ ...info.node, metadata: { ...info.node.metadata, labels: { ...info.node.metadata.labels, rack } } });
  }
  const scores = ask(pod('new', web, { topologySpreadConstraints: [constraint] }), [full, empty, outside]) ?? [];
  expect(scores[1]).toBe(100);
  expect(scores[0]).toBeLessThan(100);
  expect(scores[2]).toBe(0);
  const hard = { ...constraint, whenUnsatisfiable: 'DoNotSchedule' };
  expect(ask(pod('new', web, { topologySpreadConstraints: [hard] }), [full, empty], { app: 'web' })).toBeUndefined();
});
