import { expect, test } from 'vitest';
import type { Container, ContainerStatus, Pod, Probe } from '../../api/core/v1/types.generated.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import type { ObservedContainer } from '../pod/observed.ts';
import type { ProbeOutcome } from './probe.ts';
import { Prober } from './prober.ts';

const good: ProbeOutcome = { success: true, message: '' };
const bad: ProbeOutcome = { success: false, message: 'no' };
const unknown: ProbeOutcome = { success: false, isUnknown: true, message: 'gone' };

/** One container of these probes, which runs; each probe's outcome is the next of those given, the last for ever. */
function probed(
  container: Partial<Container>,
  outcomes: readonly ProbeOutcome[],
  told?: Partial<ContainerStatus>,
  startedAgo = 0,
) {
  const clock = new FakeClock();
  const said: string[] = [];
  const probes: Probe[] = [];
  const counted: string[] = [];
  const left = [...outcomes];
  const prober = new Prober({
    clock,
    changed: () => {},
    probed: ({ name }, { type, success }) => counted.push(`${name} ${type} ${success}`),
    unhealthy: (_, message) => said.push(message),
    warning: (_, message) => said.push(message),
    probe: async (_container, _id, probe) => {
      probes.push(probe);
      return (left.length > 1 ? left.shift() : left[0]) ?? good;
    },
  });
  const status = {
    name: 'c',
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    containerID: 'containerd://x',
    ...told,
  };
  const pod: Pod = {
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', ...container }] },
    ...(told && { status: { containerStatuses: [status] } }),
  };
  const running = { id: 'x', name: 'c', state: 'running', startedAt: clock.now() - startedAgo } as ObservedContainer;
  prober.sync(pod, [running]);
  /** Lets so many seconds pass, with whatever follows. */
  const after = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
    return [prober.started.has('x'), prober.ready.has('x'), prober.failed.get('x')?.message];
  };
  return { after, said, probes, prober, counted };
}

const every = (seconds: number, more: Partial<Probe> = {}): Probe => ({ periodSeconds: seconds, ...more });

test('a container without probes is started and ready', async () => {
  expect(await probed({}, []).after(0)).toEqual([true, true, undefined]);
});

test('each probe that could be made is told of', async () => {
  const { after, counted } = probed({ readinessProbe: every(1) }, [good, unknown, unknown, unknown, bad]);
  await after(4);
  expect(counted.slice(0, 2)).toEqual(['c Readiness true', 'c Readiness false']);
});

test('readiness comes and goes by its thresholds', async () => {
  const probe = every(2, { successThreshold: 2, failureThreshold: 3 });
  const { after, said } = probed({ readinessProbe: probe }, [good, good, bad, bad, good, bad, bad, bad]);
  expect(await after(1)).toEqual([true, false, undefined]);
  expect((await after(2))[1]).toBe(true);
  expect((await after(11))[1]).toBe(true);
  expect((await after(2))[1]).toBe(false);
  expect(new Set(said)).toEqual(new Set(['Readiness probe failed: no']));
  expect(said).toHaveLength(5);
});

test('a liveness probe that fails often enough ends it, and is not asked again', async () => {
  const { after, probes, said, prober } = probed({ livenessProbe: every(1, { terminationGracePeriodSeconds: 5 }) }, [
    bad,
    bad,
    good,
    bad,
  ]);
  expect((await after(5))[2]).toBeUndefined();
  expect((await after(1))[2]).toBe('failed liveness probe');
  expect(prober.failed.get('x')?.grace).toBe(5);
  await after(9);
  expect([probes.length, said.length]).toEqual([6, 5]);
});

test('a probe that cannot be made says nothing of the container: it is tried thrice, told and left', async () => {
  const { after, probes, said } = probed({ livenessProbe: every(1, { failureThreshold: 1 }) }, [unknown]);
  expect(await after(2)).toEqual([true, true, undefined]);
  expect(probes.length).toBe(6);
  expect(said[0]).toBe('Liveness probe errored and resulted in unknown state: gone');
  const once = probed({ readinessProbe: every(1) }, [unknown, unknown, good]);
  expect((await once.after(1))[1]).toBe(true);
  expect(once.said).toEqual([]);
});

test('nothing else is asked before the startup probe succeeded, and then it is asked no more', async () => {
  const [startupProbe, readinessProbe] = [every(3, { failureThreshold: 9 }), every(1)];
  const { after, probes } = probed({ startupProbe, readinessProbe }, [bad, good]);
  expect(await after(1)).toEqual([false, false, undefined]);
  expect(await after(2)).toEqual([false, false, undefined]);
  expect((await after(2)).slice(0, 2)).toEqual([true, true]);
  expect(probes.slice(0, 3)).toEqual([startupProbe, startupProbe, readinessProbe]);
  expect(probes.slice(2).every((probe) => probe === readinessProbe)).toBe(true);
});

test('a startup probe that fails often enough ends it', async () => {
  const { after } = probed({ startupProbe: every(1, { failureThreshold: 2 }) }, [bad]);
  expect((await after(1))[2]).toBeUndefined();
  expect(await after(1)).toEqual([false, false, 'failed startup probe']);
});

test('the first probe waits for its delay; a warning is told', async () => {
  const warning: ProbeOutcome = { success: true, isWarning: true, message: 'moved' };
  const { after, said } = probed({ readinessProbe: every(1, { initialDelaySeconds: 3 }) }, [warning]);
  expect((await after(2))[1]).toBe(false);
  expect((await after(1))[1]).toBe(true);
  expect(said).toEqual(['Readiness probe warning: moved']);
});

test('what is left of the delay is waited for, and all of it at the most: the time may have been set back since', async () => {
  const probe = { readinessProbe: every(1, { initialDelaySeconds: 3 }) };
  for (const [ago, wait] of [
    [2000, 1],
    [-3_600_000, 3],
  ] as const) {
    const { after } = probed(probe, [good], undefined, ago);
    expect((await after(wait - 1))[1]).toBe(false);
    expect((await after(1))[1]).toBe(true);
  }
});

test('what was started and ready before this process came stays so until a probe says otherwise', async () => {
  const told = { started: true, ready: true };
  const { after } = probed({ startupProbe: every(1), readinessProbe: every(5, { failureThreshold: 1 }) }, [bad], told);
  expect(await after(0)).toEqual([true, true, undefined]);
  expect(await after(1)).toEqual([true, false, undefined]);
});
