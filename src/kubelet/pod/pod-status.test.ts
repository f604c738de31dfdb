import { describe, expect, test } from 'vitest';
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
  const message = 'True RestartAllContainersStarted container exited with restart policy rule';
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
  const recursive = container({ recursiveReadOnly: ['/v'], stopSignal: 'SIGTERM' });
  const [running] = status(pod({ containers: [mounted] }), [recursive]).containerStatuses ?? [];
  expect(running?.volumeMounts?.[0]).toMatchObject({ name: 'v', recursiveReadOnly: 'Enabled' });
  expect([told?.stopSignal, running?.stopSignal]).toEqual([undefined, 'SIGTERM']);
});

test('that a pod has ended is told when its sidecar has, too', () => {
  const p = pod({ restartPolicy: 'Never', initContainers: [{ name: 's', restartPolicy: 'Always' }] });
  const ended = container({ state: 'exited', finishedAt: now });
  const sidecar = container({ id: 'y', name: 's' });
  expect(status(p, [ended, sidecar]).phase).toBe('Running');
  expect(status(p, [ended, { ...sidecar, state: 'exited', exitCode: 137 }]).phase).toBe('Succeeded');
});

test('a readiness gate holds the pod back', () => {
  const s = status(pod({ readinessGates: [{ conditionType: 'x/y' }] }), [container()]);
  expect(conditions(s)).toMatchObject({
    ContainersReady: 'True',
    Ready: 'False ReadinessGatesNotReady corresponding condition of pod readiness gate "x/y" does not exist.',
  });
  const unknown = { status: { conditions: [{ type: 'x/y', status: 'Unknown' }] } };
  const told = status(pod({ readinessGates: [{ conditionType: 'x/y' }] }, unknown), [container()]);
  expect(conditions(told).Ready).toBe(
    'False ReadinessGatesNotReady the status of pod readiness gate "x/y" is not "True", but Unknown',
  );
});

test("transition times stay while nothing changes, and others' conditions stay", () => {
  const first = status(pod(), [container()]);
  const foreign = { type: 'DisruptionTarget', status: 'True' };
  const later = status(
    pod({}, { status: { ...first, conditions: [...(first.conditions ?? []), foreign] } }),
    [container()],
    { now: now + 5000 },
  );
  expect(later.conditions).toEqual([foreign, ...(first.conditions ?? [])]);
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
  expect(refused).toEqual({
    phase: 'Failed',
    ...verdict,
    conditions: [],
    startTime: '2026-01-01T00:00:10Z',
    qosClass: 'BestEffort',
  });
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

test('containers are told by their names, and what a resize may change of those that were seen', () => {
  const resources = { requests: { cpu: '1' } };
  const spec = {
    containers: [
      { name: 'b', image: 'i' },
      { name: 'a', image: 'i', resources },
    ],
    initContainers: [{ name: 'i', resources }],
    ephemeralContainers: [{ name: 'e', image: 'i' }],
  };
  const told = status(pod(spec), [container({ name: 'b' }), container({ name: 'i', state: 'exited' })]);
  const [a, b] = told.containerStatuses ?? [];
  expect([a?.name, a?.resources, a?.allocatedResources]).toEqual(['a', undefined, undefined]);
  expect([b?.name, b?.resources, b?.allocatedResources]).toEqual(['b', {}, undefined]);
  expect(told.initContainerStatuses?.[0]?.resources).toBeUndefined();
  expect(told.ephemeralContainerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
  const user = { uid: 1, gid: 0, supplementalGroups: [0, 7] };
  const seen = status(pod(spec), [container({ name: 'a', user })]).containerStatuses?.[0];
  expect(seen).toMatchObject({ resources, allocatedResources: { cpu: '1' }, user: { linux: user } });
  expect(b).not.toHaveProperty('user');
});

describe('containers that the runtime has forgotten', () => {
  const unknown = { exitCode: 137, reason: 'ContainerStatusUnknown' };
  const told = (over: object) => ({ name: 'a', image: 'i', imageID: '', ready: true, restartCount: 2, ...over });
  const forgotten = (over: object, metadata = {}) => {
    const one = pod({}, { status: { containerStatuses: [told(over)] } });
    return status({ ...one, metadata: { ...one.metadata, ...metadata } }, []).containerStatuses?.[0];
  };
  const running = { state: { running: { startedAt: '2026-01-01T00:00:00Z' } } };
  const ended = { terminated: { exitCode: 3 } };
  test('have ended somehow where they ran, and are counted once more', () => {
    const message = 'The container could not be located when the pod was deleted.  The container used to be Running';
    const lost = { ready: false, lastState: { terminated: { ...unknown, message } } };
    expect(forgotten(running)).toMatchObject({ ...lost, state: { waiting: {} }, restartCount: 3 });
    expect(forgotten(running, { deletionTimestamp: '2026-01-01T00:00:00Z' })).toMatchObject({
      ...lost,
      restartCount: 2,
    });
  });
  test('are told as before where they had ended, or waited', () => {
    expect(forgotten({ state: ended })).toEqual(told({ state: ended }));
    expect(forgotten({ state: { waiting: {} }, lastState: ended })).toMatchObject({
      restartCount: 2,
      lastState: ended,
    });
    expect(forgotten({ ...running, lastState: ended })).toMatchObject({ restartCount: 3, lastState: ended });
  });
  test('or of which it says nothing have failed', () => {
    const seen = (p: Pod) => status(p, [container({ state: 'unknown' })]).containerStatuses?.[0];
    expect(seen(pod({}, { status: { containerStatuses: [told(running)] } }))).toMatchObject({
      state: { terminated: unknown },
      restartCount: 3,
    });
    expect(seen(pod())?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
  });
});

describe('a pod that was deleted and of which nothing runs any more', () => {
  const end = (p: Pod, containers: readonly ObservedContainer[]) => {
    const { phase, initContainerStatuses = [], containerStatuses = [] } = status(p, containers, { isTerminated: true });
    const codes = [...initContainerStatuses, ...containerStatuses].map((s) => s.state?.terminated?.exitCode ?? 'waits');
    return [phase, ...codes];
  };
  const names = (...list: string[]) => list.map((name) => ({ name, image: 'i' }));
  const exited = (name: string, exitCode: number) =>
    container({ id: name, name, state: 'exited', finishedAt: now, exitCode });
  test.each([
    ['by how its containers ended', pod(), [exited('a', 0)], ['Succeeded', 0]],
    ['by how its containers ended', pod(), [exited('a', 1)], ['Failed', 1]],
    ['as failed where one never began', pod({ containers: names('a', 'b') }), [exited('a', 0)], ['Failed', 0, 137]],
    ['as failed before it began', pod(), [], ['Failed', 137]],
    [
      'not by what initialization never came to',
      pod({ initContainers: names('i', 'j') }),
      [],
      ['Failed', 137, 'waits', 'waits'],
    ],
    [
      'with init containers that must have been there',
      pod({ initContainers: names('i', 'j', 'k') }),
      [exited('j', 1)],
      ['Failed', 137, 1, 'waits', 'waits'],
    ],
    ['when it was initialized', pod({ initContainers: names('i', 'j') }), [exited('j', 0)], ['Failed', 137, 0, 137]],
  ] as const)('has ended %s', (_, p, containers, expected) => expect(end(p, containers)).toEqual(expected));
});

test('a disruption is told when it is over, before all else', () => {
  const verdict = { reason: 'Evicted', message: 'm', disruption: 'd' };
  const types = (s: ReturnType<typeof status>) => s.conditions?.map(({ type }) => type);
  expect(types(status(pod(), [container()], { verdict }))).not.toContain('DisruptionTarget');
  const over = status(pod(), [container({ state: 'exited', finishedAt: now, exitCode: 137 })], { verdict });
  expect(over.conditions?.[0]).toMatchObject({
    type: 'DisruptionTarget',
    reason: 'TerminationByKubelet',
    message: 'd',
  });
  expect(over).toMatchObject({ phase: 'Failed', reason: 'Evicted', message: 'm' });
});

test('a container that was ended to be started anew ends no pod', () => {
  const once = pod({ restartPolicy: 'OnFailure' });
  const ended = [container({ state: 'exited', finishedAt: now })];
  expect(status(once, ended, { replaced: new Set(['x']) }).phase).toBe('Running');
  expect(status(once, ended).phase).toBe('Succeeded');
});

test('a phase that was told stays, with its reason', () => {
  const before = { phase: 'Succeeded', reason: 'R', message: 'm' };
  expect(status(pod({}, { status: before }), [container({ state: 'exited', exitCode: 1 })])).toMatchObject(before);
});

test('sidecars count for what a pod does, not for how it ends', () => {
  const sides = pod({ restartPolicy: 'OnFailure', initContainers: [{ name: 's', restartPolicy: 'Always' }] });
  const phase = (containers: readonly ObservedContainer[]) => status(sides, containers).phase;
  const sidecar = container({ id: 'y', name: 's' });
  const failed = container({ state: 'exited', finishedAt: now, exitCode: 1 });
  expect(phase([sidecar])).toBe('Pending');
  expect(phase([container()])).toBe('Pending');
  expect(phase([container(), { ...sidecar, state: 'exited', exitCode: 1 }])).toBe('Running');
  expect(phase([failed, sidecar])).toBe('Running');
  expect(
    phase([
      { ...failed, exitCode: 0 },
      { ...sidecar, state: 'exited', exitCode: 1 },
    ]),
  ).toBe('Succeeded');
});
