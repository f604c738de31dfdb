import { expect, test } from 'vitest';
import type { ContainerState, ContainerStatus, Pod, PodStatus } from '../types.generated.ts';
import { podCells } from './columns.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

/** A container that restarted `restarts` times, the last time so many seconds ago. */
function one(state: ContainerState, more: Partial<ContainerStatus> & { seconds?: number } = {}): ContainerStatus {
  const { seconds, ...rest } = more;
  const lastState = seconds === undefined ? undefined : { terminated: { exitCode: 1, finishedAt: ago(seconds) } };
  const base = { name: '', image: '', imageID: '', ready: false, restartCount: 0 };
  return { ...base, state, ...(lastState && { lastState }), ...rest };
}

const running = { running: {} };
const pending = { waiting: {} };
const done = { terminated: { exitCode: 0, reason: 'Completed' } };
const failed = { terminated: { exitCode: 137, reason: 'Error' } };
const initialized = [{ type: 'Initialized', status: 'True' }];

/** READY, STATUS and RESTARTS of a Pod with so many containers; sidecars are called `sidecar…`. */
function row(status: Partial<PodStatus>, { init = [] as string[], deleted = false } = {}): unknown[] {
  const count = status.containerStatuses?.length ?? 1;
  const sidecar = { restartPolicy: 'Always' };
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'demo', ...(deleted && { deletionTimestamp: ago(1) }) },
    spec: {
      containers: Array.from({ length: count }, (_, i) => ({ name: `c${i}` })),
      initContainers: init.map((name) => ({ name, ...(name.startsWith('sidecar') && sidecar) })),
    },
    status: { phase: 'Running', ...status },
  };
  return podCells(pod, now).slice(1, 4);
}

test.each<[string, Partial<PodStatus>, unknown[]]>([
  [
    'restarts count without a condition',
    { containerStatuses: [one(running, { ready: true, restartCount: 3 }), one({}, { restartCount: 3 })] },
    ['1/2', 'Running', '6'],
  ],
  [
    'a crash loop before any condition',
    { containerStatuses: [one({ waiting: { reason: 'CrashLoopBackOff' } }, { restartCount: 4, seconds: 20 })] },
    ['0/1', 'CrashLoopBackOff', '4 (20s ago)'],
  ],
  [
    'the first container says it',
    {
      containerStatuses: [
        one({ waiting: { reason: 'First' } }),
        one({ terminated: { exitCode: 1, reason: 'Second' } }),
      ],
    },
    ['0/2', 'First', '0'],
  ],
  ['ready is not enough', { containerStatuses: [one({}, { ready: true })] }, ['0/1', 'Running', '0']],
  ['a signal', { containerStatuses: [one({ terminated: { exitCode: 137, signal: 9 } })] }, ['0/1', 'Signal:9', '0']],
  ['a code', { containerStatuses: [one({ terminated: { exitCode: 3 } })] }, ['0/1', 'ExitCode:3', '0']],
  [
    'one done, one running',
    { containerStatuses: [one(done), one(running, { ready: true })] },
    ['1/2', 'NotReady', '0'],
  ],
  [
    'one done, one running, all ready',
    { containerStatuses: [one(done), one(running, { ready: true })], conditions: [{ type: 'Ready', status: 'True' }] },
    ['1/2', 'Running', '0'],
  ],
  ['why the Pod is as it is', { reason: 'Evicted', phase: 'Failed' }, ['0/1', 'Evicted', '0']],
  [
    'a gate',
    { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
    ['0/1', 'SchedulingGated', '0'],
  ],
  [
    'the last restart of all',
    {
      containerStatuses: [
        one(running, { ready: true, restartCount: 6, seconds: 5 * 86_400 }),
        one(running, { ready: true, restartCount: 3, seconds: 20 * 86_400 }),
      ],
    },
    ['2/2', 'Running', '9 (5d ago)'],
  ],
])('%s', (_, status, cells) => expect(row(status)).toEqual(cells));

test.each<[string, string[], Partial<PodStatus>, unknown[]]>([
  [
    'an init container that restarts',
    ['a', 'b'],
    {
      initContainerStatuses: [
        one(done, { name: 'a', restartCount: 2, seconds: 120 }),
        one(running, { name: 'b', restartCount: 3, seconds: 10 }),
      ],
      containerStatuses: [one(pending)],
    },
    ['0/1', 'Init:1/2', '5 (10s ago)'],
  ],
  [
    'what comes after the one that is not done does not count',
    ['a', 'b'],
    { initContainerStatuses: [one(running, { name: 'a' }), one(pending, { name: 'b', restartCount: 7 })] },
    ['0/1', 'Init:0/2', '0'],
  ],
  [
    'restarts of init containers that are done are forgotten',
    ['a'],
    {
      initContainerStatuses: [one(done, { name: 'a', restartCount: 2, seconds: 120 })],
      containerStatuses: [one(running, { restartCount: 4, seconds: 20 })],
    },
    ['0/1', 'Running', '4 (20s ago)'],
  ],
  [
    'an init container without a reason',
    ['a'],
    { initContainerStatuses: [one({ terminated: { exitCode: 2, signal: 9 } }, { name: 'a' })] },
    ['0/1', 'Init:Signal:9', '0'],
  ],
  [
    'a sidecar that has not started',
    ['sidecar-a', 'sidecar-b'],
    {
      initContainerStatuses: [
        one(running, { name: 'sidecar-a', started: true, restartCount: 3, seconds: 10 }),
        one(running, { name: 'sidecar-b', started: false }),
      ],
      containerStatuses: [one(pending)],
      conditions: [{ type: 'Initialized', status: 'False' }],
    },
    ['0/3', 'Init:1/2', '3 (10s ago)'],
  ],
  [
    'sidecars that run',
    ['sidecar-a', 'sidecar-b'],
    {
      initContainerStatuses: [
        one(running, { name: 'sidecar-a', started: true, restartCount: 3, seconds: 10 }),
        one(running, { name: 'sidecar-b', started: true, ready: true }),
      ],
      containerStatuses: [one(running, { ready: true, restartCount: 4, seconds: 20 })],
      conditions: initialized,
    },
    ['2/3', 'Running', '7 (10s ago)'],
  ],
  [
    'sidecars that were stopped at the end',
    ['sidecar-a', 'sidecar-b'],
    {
      phase: 'Succeeded',
      initContainerStatuses: [
        one(failed, { name: 'sidecar-a', started: false, restartCount: 3, seconds: 10 }),
        one(failed, { name: 'sidecar-b', started: false }),
      ],
      containerStatuses: [one(done, { restartCount: 4, seconds: 20 })],
      conditions: initialized,
    },
    ['0/3', 'Completed', '7 (10s ago)'],
  ],
  [
    'statuses of containers that are not there',
    ['a', 'sidecar-a'],
    { initContainerStatuses: [one({}, { name: 'other' }), one({}, { name: 'a' })] },
    ['0/2', 'Init:0/2', '0'],
  ],
])('%s', (_, init, status, cells) => expect(row(status, { init })).toEqual(cells));

test.each<[Partial<PodStatus>, unknown]>([
  [{ phase: 'Pending' }, 'Terminating'],
  [{ phase: 'Succeeded', containerStatuses: [one(done)] }, 'Completed'],
  [{ reason: 'NodeLost' }, 'Unknown'],
])('deleted: %j', (status, text) => expect(row(status, { deleted: true })[1]).toBe(text));
