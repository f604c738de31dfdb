import { expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import type { ObservedContainer } from './observed.ts';
import { podStatus, type StatusInput } from './pod-status.ts';

const now = Date.parse('2026-01-01T00:00:10Z');
const sandbox = { id: 's', attempt: 0, ready: true, createdAt: now, ips: ['10.244.1.2', 'fd00::2'] };

function pod(spec: Partial<PodSpec> = {}, over: Partial<Pod> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { containers: [{ name: 'a', image: 'i' }], ...spec },
    ...over,
  };
}

function container(over: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: 'x',
    sandboxId: 's',
    name: 'a',
    attempt: 0,
    podRestarts: 0,
    state: 'running',
    createdAt: now,
    startedAt: now,
    finishedAt: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'i',
    imageID: 'sha256:1',
    wantedImage: 'i',
    ...over,
  };
}

function status(p: Pod, containers: readonly ObservedContainer[], over: Partial<StatusInput> = {}) {
  return podStatus({
    pod: p,
    observed: { sandboxes: [sandbox], containers },
    started: new Set(['x']),
    ready: new Set(['x']),
    waiting: new Map(),
    hostIPs: ['172.30.0.11'],
    now,
    finished: false,
    ...over,
  });
}

const conditions = (s: ReturnType<typeof status>) =>
  Object.fromEntries(
    (s.conditions ?? []).map((c) => [c.type, [c.status, c.reason, c.message].filter((x) => x !== undefined).join(' ')]),
  );

test('a pod that has nothing yet is Pending', () => {
  const s = status(pod(), [], { observed: { sandboxes: [], containers: [] } });
  expect(s.phase).toBe('Pending');
  expect(s.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
  expect(conditions(s)).toEqual({
    PodReadyToStartContainers: 'False',
    Initialized: 'True',
    Ready: 'False ContainersNotReady containers with unready status: [a]',
    ContainersReady: 'False ContainersNotReady containers with unready status: [a]',
    PodScheduled: 'True',
  });
});

test('a pod that runs has its addresses and is Ready', () => {
  const s = status(pod(), [container()]);
  expect(s).toMatchObject({
    phase: 'Running',
    podIP: '10.244.1.2',
    podIPs: [{ ip: '10.244.1.2' }, { ip: 'fd00::2' }],
    hostIP: '172.30.0.11',
    startTime: '2026-01-01T00:00:10Z',
  });
  expect(conditions(s).Ready).toBe('True');
});

test('a container that its own rules start again has not failed its pod', () => {
  const restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
  const ruled = pod({
    restartPolicy: 'Never',
    containers: [{ name: 'a', image: 'i', restartPolicy: 'Never', restartPolicyRules }],
  });
  const ended = (exitCode: number) => [container({ state: 'exited', finishedAt: now, exitCode })];
  expect(status(ruled, ended(42)).phase).toBe('Running');
  expect(status(ruled, ended(1)).phase).toBe('Failed');
  const init = pod({ restartPolicy: 'Always', initContainers: [{ name: 'i', restartPolicy: 'Never' }] });
  const failed = container({ id: 'y', name: 'i', state: 'exited', finishedAt: now, exitCode: 1 });
  expect(status(init, [failed]).phase).toBe('Failed');
});

test('a pod whose containers all restart says so, and has not failed', () => {
  const restartPolicyRules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'NotIn', values: [0] } }];
  const whole = pod({
    restartPolicy: 'Never',
    containers: [{ name: 'a', image: 'i', restartPolicy: 'Never', restartPolicyRules }, { name: 'b' }],
  });
  const cause = container({ state: 'exited', finishedAt: now, exitCode: 3 });
  const other = container({ id: 'y', name: 'b', state: 'exited', finishedAt: now, exitCode: 137 });
  const told = status(whole, [cause, other]);
  expect(told.phase).toBe('Running');
  const message = 'True ContainerExited Container a exited with code 3, triggering pod restart';
  expect(conditions(told).AllContainersRestarting).toBe(message);
  const young = [cause, other].map((c) => ({
    ...c,
    id: `${c.id}2`,
    attempt: 1,
    podRestarts: 1,
    state: 'running' as const,
  }));
  expect(conditions(status(whole, [...young, cause, other])).AllContainersRestarting).toBe('False');
  expect(conditions(status(pod(), [container()]))).not.toHaveProperty('AllContainersRestarting');
});

test('mounts are told, and messages as far as all of a pod find room', () => {
  const mounted = {
    name: 'a',
    volumeMounts: [
      { name: 'v', mountPath: '/v', readOnly: true },
      { name: 'w', mountPath: '/w' },
    ],
  };
  const names = ['b', 'c', 'd'].map((name) => ({ name }));
  const ended = container({ state: 'exited', finishedAt: now, message: 'x'.repeat(4096) });
  const [told] = status(pod({ containers: [mounted, ...names] }), [ended]).containerStatuses ?? [];
  expect(told?.volumeMounts).toEqual([
    { name: 'v', mountPath: '/v', readOnly: true, recursiveReadOnly: 'Disabled' },
    { name: 'w', mountPath: '/w' },
  ]);
  expect(told?.state?.terminated?.message).toHaveLength(3072);
});

test('that a pod has ended is told when its sidecar has, too', () => {
  const p = pod({ restartPolicy: 'Never', initContainers: [{ name: 's', restartPolicy: 'Always' }] });
  const ended = container({ state: 'exited', finishedAt: now });
  const sidecar = container({ id: 'y', name: 's' });
  expect(status(p, [ended, sidecar], { finished: true }).phase).toBe('Running');
  expect(status(p, [ended, { ...sidecar, state: 'exited', exitCode: 137 }], { finished: true }).phase).toBe(
    'Succeeded',
  );
});

test('a readiness gate holds the pod back', () => {
  const s = status(pod({ readinessGates: [{ conditionType: 'x/y' }] }), [container()]);
  expect(conditions(s)).toMatchObject({
    ContainersReady: 'True',
    Ready: 'False ReadinessGatesNotReady corresponding condition of pod readiness gate "x/y" does not exist.',
  });
});

test("transition times stay while nothing changes, and others' conditions stay", () => {
  const first = status(pod(), [container()]);
  const foreign = { type: 'DisruptionTarget', status: 'True' };
  const later = status(
    pod({}, { status: { ...first, conditions: [...(first.conditions ?? []), foreign] } }),
    [container()],
    { now: now + 5000 },
  );
  expect(later.conditions).toEqual([...(first.conditions ?? []), foreign]);
  expect(later.startTime).toBe(first.startTime);
});

test.each([
  ['Never', 0, 'Succeeded'],
  ['Never', 2, 'Failed'],
  ['OnFailure', 0, 'Succeeded'],
  ['OnFailure', 2, 'Running'],
  ['Always', 0, 'Running'],
])('%s with exit code %i is %s', (restartPolicy, exitCode, phase) => {
  expect(status(pod({ restartPolicy }), [container({ state: 'exited', exitCode, finishedAt: now })]).phase).toBe(phase);
});

test('a crash loop shows what ended as the last state', () => {
  const waiting = new Map([['a', { reason: 'CrashLoopBackOff', message: 'back-off' }]]);
  const s = status(pod(), [container({ state: 'exited', exitCode: 1, attempt: 3, finishedAt: now })], { waiting });
  expect(s.phase).toBe('Running');
  expect(s.containerStatuses?.[0]).toMatchObject({
    restartCount: 3,
    ready: false,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 1, reason: 'Error', containerID: 'containerd://x' } },
  });
});

test('init containers come first', () => {
  const p = pod({ initContainers: [{ name: 'i' }] });
  const s = status(p, [container({ name: 'i', id: 'y' })]);
  expect(s.phase).toBe('Pending');
  expect(s.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
  expect(conditions(s).Initialized).toBe('False ContainersNotInitialized containers with incomplete status: [i]');
});

test('of a pod that the node did not take nothing is told but why', () => {
  const verdict = { reason: 'NodePorts', message: 'Pod was rejected: no port' };
  const none = { observed: { sandboxes: [], containers: [] } };
  const refused = status(pod(), [], { ...none, verdict });
  expect(refused).toMatchObject({ phase: 'Failed', ...verdict });
  expect(refused.containerStatuses).toBeUndefined();
  // One that was taken and ended before its container was made.
  const before = status(pod(), [], none);
  const ended = status(pod({}, { status: before }), [], { ...none, verdict: { reason: 'Evicted', message: 'm' } });
  expect(ended.containerStatuses?.[0]?.state?.terminated).toMatchObject({
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
  });
});

test('a container that never started has the first second of all as its start', () => {
  const failed = container({ state: 'exited', startedAt: 0, finishedAt: now, exitCode: 128, reason: 'StartError' });
  const [told] = status(pod({ restartPolicy: 'Never' }), [failed]).containerStatuses ?? [];
  expect(told?.state?.terminated).toMatchObject({ startedAt: '1970-01-01T00:00:00Z', reason: 'StartError' });
});
