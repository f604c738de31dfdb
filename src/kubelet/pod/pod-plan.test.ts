import { describe, expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import type { ObservedContainer, ObservedPod } from './observed.ts';
import { backoffKey, nextBackoff, type PlanInput, planPod, type RestartBackoff } from './pod-plan.ts';

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
    wantedImage: '',
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
  test('is made anew when it has no address, but for pods of the node’s own network', () => {
    const without = { sandboxes: [{ ...sandbox, ips: [] }], containers: [container('a'), container('b')] };
    expect(plan(pod(), without).actions).toEqual(['stop s1', 'sandbox 1']);
    expect(plan(pod({ hostNetwork: true }), without).actions).toEqual([]);
  });
  test('is not made anew for a pod that is done', () => {
    const dead = { sandboxes: [{ ...sandbox, ready: false }], containers: [exited('a', 0), exited('b', 1)] };
    const done = plan(pod({ restartPolicy: 'Never' }), dead, { stopped: new Set(['s1']) });
    expect([done.actions, done.finished]).toEqual([[], true]);
    // But stopped once, for its addresses.
    expect(plan(pod({ restartPolicy: 'Never' }), dead).actions).toEqual(['stop s1']);
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
    const backoffs = new Map<string, RestartBackoff>([
      [backoffKey({ name: 'a' }), { delay: 80_000, updatedAt: now - 2000 }],
    ]);
    const waiting = plan(pod(), { containers: [exited('a', 1, { attempt: 4 }), container('b')] }, { backoffs });
    expect(waiting.actions).toEqual([]);
    expect(waiting.wakeAt).toBe(now - 1000 + 80_000);
    expect(waiting.waiting.get('a')).toEqual({
      reason: 'CrashLoopBackOff',
      message: 'back-off 1m20s restarting failed container=a pod=p_ns(u)',
    });
  });
  test('whose end is still to come, since the time was set back, do not wait for it', () => {
    const ended = (finishedAt: number) => {
      const backoff = { delay: 80_000, updatedAt: finishedAt - 2000 };
      const containers = [exited('a', 1, { attempt: 4, finishedAt }), container('b')];
      const backoffs = new Map([[backoffKey({ name: 'a' }), backoff]]);
      const { actions, wakeAt } = plan(pod(), { containers }, { backoffs });
      return [actions, wakeAt];
    };
    expect(ended(now + 3_600_000)).toEqual([['start a 5'], undefined]);
    expect(ended(now + 2000)).toEqual([[], now + 82_000]);
  });
  const failing = (name: string, kind: string) => ({
    probes: {
      failed: new Map([[`${name}-0`, { message: `failed ${kind} probe`, grace: 3 }]]),
      started: new Set<string>(),
    },
  });
  test.each([
    ['Always', ', will be restarted', ['start a 1']],
    ['OnFailure', ', will be restarted', ['start a 1']],
    ['Never', '', []],
  ])('are killed for a failed probe, and with policy %s however they end', (restartPolicy, intent, start) => {
    const both = { containers: [container('a'), container('b')] };
    const kill = `kill a: Container a failed liveness probe${intent} in 3 s`;
    expect(plan(pod({ restartPolicy }), both, failing('a', 'liveness')).actions).toEqual([kill, ...start]);
  });
  test('are held back after a failed probe as the one before that ended by itself is', () => {
    const backoffs = new Map<string, RestartBackoff>([[backoffKey({ name: 'a' }), { delay: 10_000, updatedAt: now }]]);
    const containers = [container('a', { attempt: 1, id: 'a-0' }), exited('a', 1), container('b')];
    const held = plan(pod(), { containers }, { ...failing('a', 'startup'), backoffs });
    expect(held.actions).toEqual(['kill a: Container a failed startup probe, will be restarted in 3 s']);
    expect(held.waiting.get('a')?.reason).toBe('CrashLoopBackOff');
  });
  test.each(['Always', 'Never'])('are made anew with another image, with policy %s', (restartPolicy) => {
    const [a, b] = ['a', 'b'].map((name) => container(name, { wantedImage: 'web:1' }));
    const changed = pod({
      restartPolicy,
      containers: [
        { name: 'a', image: 'web:2' },
        { name: 'b', image: 'web:1' },
      ],
    });
    const message = 'kill a: Container a definition changed, will be restarted';
    expect(plan(changed, { containers: [a, b].filter((c) => c !== undefined) }).actions).toEqual([
      message,
      'start a 1',
    ]);
  });
  test('are not held back for what they were before they got another image', () => {
    const backoffs = new Map<string, RestartBackoff>([
      [backoffKey({ name: 'a', image: 'web:1' }), { delay: 300_000, updatedAt: now }],
    ]);
    const containers = [exited('a', 1, { wantedImage: 'web:1' })];
    const told = (image: string) => plan(pod({ containers: [{ name: 'a', image }] }), { containers }, { backoffs });
    expect(told('web:1').actions).toEqual([]);
    expect(told('web:2').actions).toEqual(['start a 1']);
  });
  test('that were ended to be started anew are, however they ended', () => {
    const ended = { containers: [exited('a', 0), exited('b', 0)] };
    const once = pod({ restartPolicy: 'OnFailure' });
    expect(plan(once, ended, { replaced: new Set(['a-0']) }).actions).toEqual(['start a 1']);
    expect(plan(once, ended).finished).toBe(true);
  });
  test('of which nothing is known any more are killed before they start again, with every policy', () => {
    const lost = { containers: [container('a', { state: 'unknown' }), container('b')] };
    const message = 'kill a: Container is in "unknown" state, try killing it before restart';
    expect(plan(pod({ restartPolicy: 'Never' }), lost).actions).toEqual([message, 'start a 1']);
  });
  test('that the runtime has lost are counted on', () => {
    const told = (status: object) => ({ name: 'a', ready: false, image: '', imageID: '', restartCount: 3, ...status });
    const lost = (status: object) => ({ ...pod(), status: { containerStatuses: [told(status)] } });
    expect(plan(lost({ containerID: 'containerd://x' }), {}).actions).toEqual(['start a 4', 'start b 0']);
    expect(plan(lost({}), {}).actions).toEqual(['start a 3', 'start b 0']);
  });
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
  test('those that the runtime has forgotten are not run again', () => {
    expect(plan(withInit(), { containers: [container('i2')] }).actions).toEqual([]);
    expect(plan(withInit(), { containers: [exited('i2', 0)] }).actions).toEqual(['start a 0', 'start b 0']);
  });
  test('of which nothing is known are killed, and start again where the policy says so', () => {
    const lost = { containers: [container('i1', { state: 'unknown' })] };
    const message = 'kill i1: Init container is in "unknown" state, try killing it before restart';
    expect(plan(withInit(), lost).actions).toEqual([message, 'start i1 1']);
    expect(plan(withInit({ restartPolicy: 'Never' }), lost).actions).toEqual([message]);
  });
  test('a sidecar must be started before the rest, and is restarted beside it', () => {
    const sidecar = pod({ initContainers: [{ name: 'side', restartPolicy: 'Always' }] });
    expect(plan(sidecar, { containers: [container('side')] }).actions).toEqual([]);
    const started = { probes: { failed: new Map(), started: new Set(['side-0']) } };
    expect(plan(sidecar, { containers: [container('side')] }, started).actions).toEqual(['start a 0', 'start b 0']);
    expect(plan(sidecar, { containers: [exited('side', 0), container('a'), container('b')] }).actions).toEqual([
      'start side 1',
    ]);
  });
  describe('sidecars among them', () => {
    const names = ['r1', 'r2', 'r3'];
    const sides = pod({
      restartPolicy: 'Never',
      initContainers: names.map((name) => ({ name, image: 'side:1', restartPolicy: 'Always' })),
    });
    const side = (name: string) => container(name, { wantedImage: 'side:1' });
    const [r1, r2, r3] = [side('r1'), side('r2'), side('r3')];
    const running = [r1, r2, r3];
    const seen = (
      containers: readonly ObservedContainer[],
      over: { failed?: string; unstarted?: string; image?: string },
    ) => {
      const failed = new Map(over.failed ? [['r3-0', { message: `failed ${over.failed} probe` }]] : []);
      const started = new Set(names.filter((name) => name !== over.unstarted).map((name) => `${name}-0`));
      const initContainers = sides.spec.initContainers?.map((c) =>
        over.image && c.name === 'r3' ? { ...c, image: over.image } : c,
      );
      const changed = { ...sides, spec: { ...sides.spec, ...(initContainers && { initContainers }) } };
      return plan(changed, { containers }, { probes: { failed, started } }).actions;
    };
    const main = ['start a 0', 'start b 0'];
    const end = (name: string) => exited(name, 137, { wantedImage: 'side:1' });
    test.each([
      ['the next starts', [r1], {}, ['start r2 0']],
      ['not before its startup probe succeeded', [r1, r2], { unstarted: 'r2' }, []],
      ['those before it are restarted meanwhile', [end('r1'), r2, end('r3')], {}, ['start r1 1', 'start r3 1']],
      ['and hold nothing up', [end('r1'), r2, r3], {}, ['start r1 1', ...main]],
      ['those that the runtime has forgotten start', [r3], {}, ['start r1 0', 'start r2 0', ...main]],
      [
        'a failed startup probe holds up',
        running,
        { failed: 'startup', unstarted: 'r3' },
        ['kill r3: Init container r3 failed startup probe', 'start r3 1'],
      ],
      [
        'a failed liveness probe does not',
        running,
        { failed: 'liveness' },
        ['kill r3: Init container r3 failed liveness probe', 'start r3 1', ...main],
      ],
      [
        'nor does another image',
        running,
        { image: 'side:2' },
        ['kill r3: Init container r3 definition changed', 'start r3 1', ...main],
      ],
    ])('%s', (_, containers, over, expected) => expect(seen(containers, over)).toEqual(expected));
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
