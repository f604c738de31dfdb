import { expect, test } from 'vitest';
import { nodeUsage, podUsages } from './summaries.ts';

const time = '2026-01-01T00:00:00.000Z';
const measured = (usageNanoCores: number, workingSetBytes: number) => ({
  cpu: { time, usageNanoCores },
  memory: { workingSetBytes },
});
const podRef = { name: 'web', namespace: 'default' };

test('a node and a pod', () => {
  const containers = [{ name: 'a', ...measured(1_500_000.4, 2048) }];
  const summary = { node: measured(3e8, 1 << 30), pods: [{ podRef, containers }] };
  expect(nodeUsage(summary)).toEqual({ timestamp: time, usage: { cpu: '300000000n', memory: '1048576Ki' } });
  expect(podUsages(summary)).toEqual([
    { ...podRef, timestamp: time, containers: [{ name: 'a', usage: { cpu: '1500000n', memory: '2Ki' } }] },
  ]);
});

test('a pod of which a container was not measured is left out', () => {
  const containers = [
    { name: 'a', ...measured(1, 1) },
    { name: 'b', memory: { workingSetBytes: 1 } },
  ];
  expect(
    podUsages({
      node: {},
      pods: [
        { podRef, containers },
        { podRef, containers: [] },
      ],
    }),
  ).toEqual([]);
  expect(nodeUsage({ node: {}, pods: [] })).toBeUndefined();
});

test('lists of which Go has none are null', () => {
  expect(podUsages({ node: {}, pods: null })).toEqual([]);
  expect(podUsages({ node: {}, pods: [{ podRef, containers: null }] })).toEqual([]);
});
