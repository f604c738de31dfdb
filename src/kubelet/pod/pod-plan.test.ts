import { describe, expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import type { ObservedContainer, ObservedPod } from './observed.ts';
import { nextBackoff, type PlanInput, planPod, type RestartBackoff } from './pod-plan.ts';

const now = 1_000_000_000;
const sandbox = { id: 's1', attempt: 0, ready: true, createdAt: 1, ips: ['10.0.0.1'] };

function pod(spec: Partial<PodSpec> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec },
  };
}

function container(name: string, over: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: `${name}-${over.attempt ?? 0}`,
    sandboxId: 's1',
    name,
    attempt: 0,
    podRestarts: 0,
    state: 'running',
    createdAt: 1,
    startedAt: 1,
    finishedAt: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: '',
    imageID: '',
    ...over,
  };
}

const exited = (name: string, exitCode: number, over: Partial<ObservedContainer> = {}) =>
  container(name, { state: 'exited', exitCode, finishedAt: now - 1000, ...over });

function plan(p: Pod, observed: Partial<ObservedPod>, over: Partial<PlanInput> = {}) {
  const result = planPod({
    pod: p,
    observed: { sandboxes: [sandbox], containers: [], ...observed },
    probes: { failed: new Map(), started: new Set() },
    backoffs: new Map(),
    now,
    ...over,
  });
  const actions = result.actions.map((a) => {
    if (a.type === 'start') return `start ${a.container.name} ${a.attempt}`;
    if (a.type === 'killAll') return `kill all${a.atOnce ? ' at once' : ''}: ${a.containers.map((c) => c.name)}`;
    if (a.type === 'kill')
      return `kill ${a.container.name}: ${a.message}${a.grace === undefined ? '' : ` in ${a.grace} s`}`;
    return a.type === 'createSandbox' ? `sandbox ${a.attempt}` : `stop ${a.id}`;
  });
  return { ...result, actions };
}

describe('sandbox', () => {
  test('comes first', () => expect(plan(pod(), { sandboxes: [] }).actions).toEqual(['sandbox 0']));
  test('is made anew when it died', () =>
    expect(plan(pod(), { sandboxes: [{ ...sandbox, ready: false }] }).actions).toEqual(['stop s1', 'sandbox 1']));
  test('is not made anew for a pod that is done', () => {
    const done = plan(pod({ restartPolicy: 'Never' }), {
      sandboxes: [{ ...sandbox, ready: false }],
      containers: [exited('a', 0), exited('b', 1)],
    });
    expect([done.actions, done.finished]).toEqual([[], true]);
  });
});

describe('containers', () => {
  test('are all started', () => expect(plan(pod(), {}).actions).toEqual(['start a 0', 'start b 0']));
  test('are left alone while they run', () =>
    expect(plan(pod(), { containers: [container('a'), container('b')] }).actions).toEqual([]));
  test('the first restart is at once', () =>
    expect(plan(pod(), { containers: [exited('a', 1), container('b')] }).actions).toEqual(['start a 1']));
  test.each([
    ['Always', 0, ['start a 1']],
    ['OnFailure', 0, []],
    ['OnFailure', 1, ['start a 1']],
    ['Never', 1, []],
  ])('%s after exit code %i', (restartPolicy, code, expected) =>
    expect(plan(pod({ restartPolicy }), { containers: [exited('a', code), container('b')] }).actions).toEqual(expected),
  );
  test.each([
    [42, 'In', [42], ['start a 1']],
    [1, 'In', [42], []],
    [1, 'NotIn', [42], ['start a 1']],
    [42, 'NotIn', [42], []],
  ])('after exit code %i by a rule of %s %j, whatever the policies', (code, operator, values, expected) => {
    const restartPolicyRules = [{ action: 'Restart', exitCodes: { operator, values } }];
    const ruled = pod({
      restartPolicy: 'Never',
      containers: [{ name: 'a', restartPolicy: 'Never', restartPolicyRules }, { name: 'b' }],
    });
    expect(plan(ruled, { containers: [exited('a', code), container('b')] }).actions).toEqual(expected);
  });
  test('all begin anew when one ends by a rule for that, init containers first, whatever their policies', () => {
    const restartPolicyRules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [88] } }];
    const whole = pod({
      restartPolicy: 'Never',
      initContainers: [{ name: 'i' }],
      containers: [{ name: 'a', restartPolicy: 'Never', restartPolicyRules }, { name: 'b' }],
    });
    const seen = (...containers: ObservedContainer[]) => {
      const { actions, podRestarts, finished } = plan(whole, { containers });
      return [podRestarts, ...actions, ...(finished ? ['finished'] : [])];
    };
    const cause = exited('a', 88);
    const init = exited('i', 0);
    // One that was made when the cause had ended already, before anybody knew.
    expect(seen(cause, container('b'), init)).toEqual([1, 'kill all at once: b']);
    const killed = exited('b', 137);
    expect(seen(cause, killed, init)).toEqual([1, 'start i 1']);
    const young = { attempt: 1, podRestarts: 1 };
    const ready = exited('i', 0, young);
    expect(seen(ready, cause, killed)).toEqual([1, 'start a 1', 'start b 1']);
    expect(seen(container('a', young), container('b', young), ready, cause, killed)).toEqual([1]);
    expect(seen(exited('a', 1, young), exited('b', 0, young), ready, cause)).toEqual([1, 'stop s1', 'finished']);
    expect(seen(exited('a', 88, young), exited('b', 0, young), ready, cause)).toEqual([2, 'start i 2']);
    // The runtime has forgotten the cause.
    expect(seen(container('a', young), container('b', young), ready)).toEqual([1]);
  });
  test('wait for their back-off', () => {
    const backoffs = new Map<string, RestartBackoff>([['a', { delay: 80_000, updatedAt: now - 2000 }]]);
    const waiting = plan(pod(), { containers: [exited('a', 1, { attempt: 4 }), container('b')] }, { backoffs });
    expect(waiting.actions).toEqual([]);
    expect(waiting.wakeAt).toBe(now - 1000 + 80_000);
    expect(waiting.waiting.get('a')).toEqual({
      reason: 'CrashLoopBackOff',
      message: 'back-off 1m20s restarting failed container=a pod=p_ns(u)',
    });
  });
  test('are killed for a failed probe', () =>
    expect(
      plan(
        pod(),
        { containers: [container('a'), container('b')] },
        {
          probes: {
            failed: new Map([['a-0', { message: 'failed liveness probe, will be restarted', grace: 3 }]]),
            started: new Set(),
          },
        },
      ).actions,
    ).toEqual(['kill a: Container a failed liveness probe, will be restarted in 3 s']));
  test('when all have ended for good, sidecars end together, that their order may be kept', () => {
    const sides = pod({ restartPolicy: 'Never', initContainers: [{ name: 's', restartPolicy: 'Always' }] });
    const ended = [container('s'), exited('a', 0), exited('b', 0)];
    expect(plan(sides, { containers: ended }).actions).toEqual(['kill all: s', 'stop s1']);
  });
  test('when all have ended for good the sandbox is stopped', () => {
    const done = plan(pod({ restartPolicy: 'Never' }), { containers: [exited('a', 0), exited('b', 0)] });
    expect([done.actions, done.finished]).toEqual([['stop s1'], true]);
  });
});

describe('init containers', () => {
  const withInit = (over: Partial<PodSpec> = {}) => pod({ initContainers: [{ name: 'i1' }, { name: 'i2' }], ...over });
  test('run one after the other', () => {
    expect(plan(withInit(), {}).actions).toEqual(['start i1 0']);
    expect(plan(withInit(), { containers: [container('i1')] }).actions).toEqual([]);
    expect(plan(withInit(), { containers: [exited('i1', 0)] }).actions).toEqual(['start i2 0']);
    expect(plan(withInit(), { containers: [exited('i2', 0), exited('i1', 0)] }).actions).toEqual([
      'start a 0',
      'start b 0',
    ]);
  });
  test('a failure ends a pod that never restarts', () =>
    expect(plan(withInit({ restartPolicy: 'Never' }), { containers: [exited('i1', 1)] }).finished).toBe(true));
  test('a failure is tried again', () =>
    expect(plan(withInit(), { containers: [exited('i1', 1)] }).actions).toEqual(['start i1 1']));
  test('run again in a new sandbox', () =>
    expect(
      plan(withInit(), { sandboxes: [{ ...sandbox, id: 's2', attempt: 1 }], containers: [exited('i1', 0)] }).actions,
    ).toEqual(['start i1 1']));
  test('a sidecar must be started before the rest, and is restarted beside it', () => {
    const sidecar = pod({ initContainers: [{ name: 'side', restartPolicy: 'Always' }] });
    expect(plan(sidecar, { containers: [container('side')] }).actions).toEqual([]);
    const started = { probes: { failed: new Map(), started: new Set(['side-0']) } };
    expect(plan(sidecar, { containers: [container('side')] }, started).actions).toEqual(['start a 0', 'start b 0']);
    expect(plan(sidecar, { containers: [exited('side', 0), container('a'), container('b')] }).actions).toEqual([
      'start side 1',
    ]);
  });
});

test('back-offs double up to five minutes and are forgotten after ten', () => {
  let backoff: RestartBackoff | undefined;
  const delays: number[] = [];
  for (let i = 0; i < 7; i++) {
    backoff = nextBackoff(backoff, now, now);
    delays.push(backoff.delay / 1000);
  }
  expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300]);
  expect(nextBackoff(backoff, now + 600_001, now + 700_000).delay).toBe(10_000);
});
