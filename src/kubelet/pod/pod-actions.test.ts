import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';
import { settle } from '../../client/fake/settle.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import type { Cri } from '../cri/client.ts';
import { ContainerKiller } from './container-killer.ts';
import type { ContainerStarter, StartResult } from './container-starter.ts';
import type { ObservedContainer } from './observed.ts';
import { PodActions, type PodActionsOptions } from './pod-actions.ts';
import { PodView } from './pod-view.ts';

test('a container that cannot be started is tried again in its time, or when the pod is another, however often it is planned', async () => {
  const clock = new FakeClock();
  const pod: Pod = { metadata: { name: 'p', uid: 'u' }, spec: { containers: [{ name: 'c' }] } };
  const context = { options: { clock }, nodes: { get: () => undefined } } as unknown as PodActionsOptions['context'];
  const view = new PodView(pod, context);
  view.observed = { sandboxes: [{ id: 's', attempt: 0, ready: true, createdAt: 0, ips: [] }], containers: [] };
  let tries = 0;
  const start = async (): Promise<StartResult> => {
    tries += 1;
    return { kind: 'waiting', reason: 'CreateContainerError', message: `${tries}`, retryAt: clock.monotonic() + 5000 };
  };
  const parts = { context, view, starter: { start } as Partial<ContainerStarter>, volumes: { current: {} } };
  const { signal } = new AbortController();
  const rest = { event: () => {}, publish: async () => {}, gracePeriod: () => 1, signal, deleted: signal };
  const actions = new PodActions({ ...parts, ...rest } as unknown as PodActionsOptions);
  const act = () =>
    actions.act({
      actions: [{ type: 'start', container: { name: 'c' }, attempt: 0 }],
      podRestarts: 0,
      waiting: new Map(),
      finished: false,
    });
  const retryAt = clock.monotonic() + 5000;
  expect([await act(), await act(), tries]).toEqual([retryAt, retryAt, 1]);
  expect(actions.waiting().get('c')).toEqual({ reason: 'CreateContainerError', message: '1' });
  clock.step(-3_600_000);
  clock.advance(5000);
  await act();
  expect(tries).toBe(2);
  actions.retryNow();
  await act();
  expect(tries).toBe(3);
});

test.each([
  ['a network that never comes', {}],
  ['a container whose postStart hook does not end', { lifecycle: { postStart: { sleep: { seconds: 3600 } } } }],
])('a pod that is to end waits no more for %s', async (_, lifecycle) => {
  const clock = new FakeClock();
  const pod: Pod = { metadata: { name: 'p', uid: 'u' }, spec: { containers: [{ name: 'c' }] } };
  const options = { clock, networkReady: new Promise<void>(() => {}) };
  const context = { options, nodes: { get: () => undefined } } as unknown as PodActionsOptions['context'];
  const view = new PodView(pod, context);
  view.observed = { sandboxes: [{ id: 's', attempt: 0, ready: true, createdAt: 0, ips: [] }], containers: [] };
  view.lookAtContainer = async () => {};
  const said: string[] = [];
  const killer = new ContainerKiller({ clock, event: () => {}, cri: {} as Cri });
  const leaving = new AbortController();
  const start = async (): Promise<StartResult> => ({ kind: 'started', id: 'i' });
  const actions = new PodActions({
    ...{ context, view, killer, starter: { start } as Partial<ContainerStarter>, volumes: { current: {} } },
    event: ({ reason }: EventText) => said.push(reason),
    signal: leaving.signal,
    deleted: leaving.signal,
  } as unknown as PodActionsOptions);
  const plan = { podRestarts: 0, waiting: new Map(), finished: false };
  const acted = actions.act({
    ...plan,
    actions: [
      'lifecycle' in lifecycle
        ? { type: 'start', container: { name: 'c', ...lifecycle }, attempt: 0 }
        : { type: 'createSandbox', attempt: 0 },
    ],
  });
  await settle();
  leaving.abort();
  await expect(acted).resolves.toBeUndefined();
  expect(said).toEqual([]);
});

test.each(['kill', 'killAll'] as const)(
  'a pod that is deleted waits no more for a %s of its own, which may have much longer',
  async (type) => {
    const pod: Pod = { metadata: { name: 'p', uid: 'u' }, spec: { containers: [{ name: 'c' }] } };
    const context = { options: { clock: new FakeClock() } } as unknown as PodActionsOptions['context'];
    const view = new PodView(pod, context);
    let looks = 0;
    view.look = async () => {
      looks += 1;
    };
    const failed = Promise.withResolvers<void>();
    const killer = { kill: () => failed.promise, killAll: () => failed.promise } as unknown as ContainerKiller;
    const leaving = AbortSignal.abort();
    const deleted = new AbortController();
    const rest = { event: () => {}, gracePeriod: () => 3600, signal: leaving, deleted: deleted.signal };
    const actions = new PodActions({ context, view, killer, ...rest } as unknown as PodActionsOptions);
    const container = { id: 'i', name: 'c', state: 'running' } as ObservedContainer;
    const action = type === 'kill' ? { type, container, message: '' } : { type, containers: [container] };
    const acted = actions.act({ podRestarts: 0, waiting: new Map(), finished: false, actions: [action] });
    await settle();
    // One that is evicted has its time.
    expect(looks).toBe(0);
    deleted.abort();
    await acted;
    expect(looks).toBe(1);
    // Nobody's error.
    failed.reject(new Error('the runtime was asked again'));
    await settle();
  },
);
