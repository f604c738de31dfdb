import { expect, test } from 'vitest';
import type { Pod, PodSpec, PodStatus } from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { nodeIPOf, PodAddresses, podCIDROf } from './addresses.ts';
import { playPod } from './play.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

function pod(annotations: Record<string, string> = {}, spec: Partial<PodSpec> = {}, status: PodStatus = {}): Pod {
  return {
    metadata: { name: 'a', namespace: 'default', annotations: prefixed(annotations) },
    spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
    status,
  };
}

function prefixed(annotations: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`hollow.portico.dev/${key}`, value]));
}

const play = (one: Pod, now = start) => playPod({ pod: one, nodeIP: '100.127.0.1', podIP: () => '100.64.0.2', now });
const condition = (status: PodStatus | undefined, type: string) =>
  status?.conditions?.find((c) => c.type === type)?.status;

/** The status after so many seconds, looked at whenever it asks to be. */
function after(seconds: number, one: Pod): PodStatus | undefined {
  let now = start;
  for (;;) {
    const { status, wakeAfter } = play(one, now);
    if (status) one.status = status;
    if (wakeAfter === undefined || now + wakeAfter > start + seconds * 1000) return one.status;
    now += wakeAfter;
  }
}

test('a pod runs, is ready and has an address; then nothing changes any more', () => {
  const { status } = play(pod());
  expect(status).toMatchObject({ phase: 'Running', podIP: '100.64.0.2', hostIP: '100.127.0.1' });
  expect(condition(status, 'Ready')).toBe('True');
  expect(play(pod({}, {}, status), start + 60_000)).toEqual({ end: false });
});

test('an ephemeral container runs from when it was added until its pod ends', () => {
  const one = pod({ 'run-for': '60' }, { restartPolicy: 'Never' });
  const { status: alone } = play(one);
  expect(alone).not.toHaveProperty('ephemeralContainerStatuses');
  const debugged = pod(
    { 'run-for': '60' },
    { ...one.spec, ephemeralContainers: [{ name: 'debug', image: 'y' }] },
    alone,
  );
  const { status } = play(debugged, start + 20_000);
  const [told] = status?.ephemeralContainerStatuses ?? [];
  const running = { startedAt: formatTime(start + 20_000) };
  expect(told).toMatchObject({ name: 'debug', image: 'y', ready: false, restartCount: 0, state: { running } });
  debugged.status = status!;
  expect(play(debugged, start + 30_000).status).toBeUndefined();
  const ended = play(debugged, start + 60_000).status?.ephemeralContainerStatuses?.[0];
  expect(ended?.state).toEqual({
    terminated: {
      ...{ exitCode: 137, reason: 'Error', containerID: 'hollow://debug' },
      ...{ ...running, finishedAt: formatTime(start + 60_000) },
    },
  });
});

test('readiness by annotation and by gate', () => {
  expect(condition(play(pod({ ready: 'false' })).status, 'Ready')).toBe('False');
  const gated = pod({}, { readinessGates: [{ conditionType: 'x' }] });
  expect(condition(play(gated).status, 'Ready')).toBe('False');
  gated.status = { conditions: [{ type: 'x', status: 'True' }] };
  expect(condition(play(gated).status, 'Ready')).toBe('True');
});

test.each<[string, Record<string, string>, Partial<PodSpec>, number, object]>([
  ['runs on', { 'run-for': '10' }, { restartPolicy: 'Never' }, 9, { phase: 'Running' }],
  ['succeeds', { 'run-for': '10' }, { restartPolicy: 'Never' }, 10, { phase: 'Succeeded' }],
  ['fails', { 'run-for': '1', 'exit-code': '3' }, { restartPolicy: 'Never' }, 1, { phase: 'Failed' }],
  ['fails at once', { 'exit-code': '3' }, { restartPolicy: 'Never' }, 0, { phase: 'Failed' }],
  [
    'is tried again after a failure',
    { 'run-for': '1', 'exit-code': '3' },
    { restartPolicy: 'OnFailure' },
    11,
    { containerStatuses: [{ restartCount: 1 }] },
  ],
  ['but not after a success', { 'run-for': '1' }, { restartPolicy: 'OnFailure' }, 11, { phase: 'Succeeded' }],
  [
    'always begins again',
    { 'run-for': '1' },
    { restartPolicy: 'Always' },
    11,
    { containerStatuses: [{ restartCount: 1 }] },
  ],
  [
    'waits longer each time',
    { 'run-for': '1' },
    { restartPolicy: 'Always' },
    31,
    { containerStatuses: [{ restartCount: 1, state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
  ],
  ['ends at its deadline', {}, { activeDeadlineSeconds: 5 }, 5, { phase: 'Failed', reason: 'DeadlineExceeded' }],
])('%s', (...[, annotations, spec, seconds, expected]) => {
  expect(after(seconds, pod(annotations, spec))).toMatchObject(expected);
});

test('a deleted pod ends; whoever holds it by a finalizer is told how', () => {
  const going = pod({}, {}, { phase: 'Running', startTime: formatTime(start) });
  going.metadata.deletionTimestamp = formatTime(start);
  going.metadata.deletionGracePeriodSeconds = 30;
  expect(play(going)).toEqual({ end: true });
  going.metadata.finalizers = ['x'];
  expect(play(going)).toMatchObject({ end: true, status: { phase: 'Failed' } });
  going.metadata.deletionGracePeriodSeconds = 0;
  expect(play(going)).toEqual({ end: false });
});

test('addresses', () => {
  expect([podCIDROf(0), podCIDROf(300), nodeIPOf(0)]).toEqual(['100.64.0.0/24', '100.65.44.0/24', '100.127.0.1']);
  const addresses = new PodAddresses(1);
  expect(addresses.of('a', undefined)).toBe('100.64.1.2');
  expect(addresses.of('b', '100.64.1.3')).toBe('100.64.1.3');
  expect(addresses.of('c', undefined)).toBe('100.64.1.4');
  expect(addresses.of('a', undefined)).toBe('100.64.1.2');
  addresses.release('a');
  expect(addresses.of('d', undefined)).toBe('100.64.1.5');
});
