import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { deletionOrder } from './deletion-order.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const container = (name: string, restartCount: number) => ({ name, restartCount, ready: true, image: '', imageID: '' });

function pod(name: string, status: Pod['status'] = {}, annotations: Record<string, string> = {}): Pod {
  return {
    metadata: { name, annotations, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      nodeName: 'n',
      containers: [],
      initContainers: [{ name: 'side', restartPolicy: 'Always' }, { name: 'first' }],
    },
    status: { phase: 'Running', ...status },
  };
}

const order = (...pods: Pod[]) => deletionOrder(pods, pods, now).map(({ metadata }) => metadata.name);

test('what restarted most goes first: containers count before sidecars, what ends does not count', () => {
  const restarts = (name: string, own: number, side: number, first = 0) =>
    pod(name, {
      containerStatuses: [container('web', own)],
      initContainerStatuses: [container('side', side), container('first', first)],
    });
  expect(order(restarts('a', 0, 0, 9), restarts('b', 0, 2), restarts('c', 1, 0), restarts('d', 1, 1))).toEqual([
    'd',
    'c',
    'b',
    'a',
  ]);
});

test('a cost is a whole number as Go prints it', () => {
  const costing = (name: string, cost: string) => pod(name, {}, { 'controller.kubernetes.io/pod-deletion-cost': cost });
  expect(order(costing('a', '1'), costing('b', '-5'), costing('c', '-1'), costing('d', '0'))).toEqual([
    'b',
    'c',
    'd',
    'a',
  ]);
  for (const wrong of ['-05', '-1e3', '+1', ' -9', '-2147483649', 'x']) {
    expect(order(costing('z', '-1'), costing('a', wrong)), wrong).toEqual(['z', 'a']);
  }
});
