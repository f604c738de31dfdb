import { expect, test } from 'vitest';
import type { Node, Pod, PodStatus, ResourceRequirements } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';
import { resizeRefusal } from './admission.ts';
import { Allocation, type ResizeRefusal } from './allocation.ts';

const asks = (cpu: string): ResourceRequirements => ({ requests: { cpu }, limits: { cpu: '8' } });

function pod(cpu: string, generation = 1, status: PodStatus = {}): Pod {
  return {
    metadata: { name: 'p', generation },
    spec: { containers: [{ name: 'c', resources: asks(cpu) }] },
    status,
  };
}

function tracked(first: Pod) {
  const events: EventText[] = [];
  let refused: ResizeRefusal | undefined;
  const event = (text: EventText) => events.push(text);
  const allocation = new Allocation(first, { event, refusal: () => refused });
  return { allocation, events, refuse: (next: ResizeRefusal | undefined) => (refused = next) };
}

const cpuOf = ({ spec }: Pod) => spec.containers[0]?.resources?.requests?.cpu;
const summary = (cpu: string, generation: number) =>
  `{"containers":[{"name":"c","resources":{"limits":{"cpu":"8"},"requests":{"cpu":"${cpu}"}}}],"generation":${generation}`;

test('a resize that fits is allocated at once, under way, and completed', () => {
  const { allocation, events } = tracked(pod('1'));
  const wanted = pod('2', 2);
  expect(allocation.of(wanted)).toBe(wanted);
  expect(allocation.conditions).toEqual([{ type: 'PodResizeInProgress' }]);
  allocation.completed(wanted);
  expect(allocation.conditions).toEqual([]);
  expect(events).toEqual([
    { type: 'Normal', reason: 'ResizeStarted', message: `Pod resize started: ${summary('2', 2)}}` },
    { type: 'Normal', reason: 'ResizeCompleted', message: `Pod resize completed: ${summary('2', 2)}}` },
  ]);
});

test('what does not fit waits with what it has, is said once, and tried again', () => {
  const { allocation, events, refuse } = tracked(pod('1'));
  refuse({ reason: 'Deferred', message: 'no room' });
  const wanted = pod('2', 2);
  expect(cpuOf(allocation.of(wanted))).toBe('1');
  expect(cpuOf(allocation.of(wanted))).toBe('1');
  expect(allocation.conditions).toEqual([{ type: 'PodResizePending', reason: 'Deferred', message: 'no room' }]);
  expect(events).toEqual([
    {
      type: 'Warning',
      reason: 'ResizeDeferred',
      message: `Pod resize Deferred: ${summary('2', 2)},"error":"no room"}`,
    },
  ]);
  refuse(undefined);
  expect(cpuOf(allocation.of(wanted))).toBe('2');
  expect(allocation.conditions).toEqual([{ type: 'PodResizeInProgress' }]);
  refuse({ reason: 'Infeasible', message: 'never' });
  allocation.of(pod('900', 3));
  allocation.of(wanted);
  expect(allocation.conditions.map(({ type }) => type)).toEqual(['PodResizeInProgress']);
});

test('what the runtime refuses is an error of the resize that is under way', () => {
  const { allocation, events } = tracked(pod('1'));
  allocation.of(pod('2', 2));
  allocation.failed(pod('2', 2), 'too small');
  allocation.failed(pod('2', 2), 'too small');
  expect(allocation.conditions).toEqual([{ type: 'PodResizeInProgress', reason: 'Error', message: 'too small' }]);
  expect(events.map(({ reason }) => reason)).toEqual(['ResizeStarted', 'ResizeError']);
});

test('after a restart a pod holds what its status tells', () => {
  const status = {
    containerStatuses: [
      {
        name: 'c',
        image: '',
        imageID: '',
        ready: true,
        restartCount: 0,
        allocatedResources: { cpu: '1' },
        resources: asks('1'),
      },
    ],
  };
  const { allocation, refuse } = tracked(pod('2', 2, status));
  refuse({ reason: 'Infeasible', message: 'never' });
  expect(cpuOf(allocation.of(pod('2', 2, status)))).toBe('1');
});

test('more than the node has is infeasible, more than is left deferred', () => {
  const node: Node = {
    metadata: { name: 'n' },
    spec: {},
    status: { allocatable: { cpu: '4', memory: '1Gi', pods: '110' } },
  };
  const ask = (cpu: string) => resizeRefusal({ pod: pod(cpu), node, others: [pod('2')] });
  expect(ask('2')).toBeUndefined();
  expect(ask('3')).toEqual({
    reason: 'Deferred',
    message: "Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000",
  });
  expect(ask('5')).toEqual({
    reason: 'Infeasible',
    message: "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000",
  });
});
