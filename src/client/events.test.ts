import { expect, test } from 'vitest';
import type { Event, Pod } from '../api/core/v1/types.generated.ts';
import { forbidden } from '../apimachinery/status.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { createEventRecorder } from './events.ts';
import { FakeApi } from './fake/fake-api.ts';
import { settle } from './fake/settle.ts';
import { events } from './resources.ts';

function start() {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const api = new FakeApi({ clock, random });
  const recorder = createEventRecorder({ client: api, clock, random, component: 'kubelet', host: 'node-1' });
  const list = async () => {
    await settle();
    return (await api.resource<Event>(events).list()).items;
  };
  return { api, clock, recorder, list };
}

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'u1' },
  spec: { containers: [] },
};

test('a repeat raises the count of the Event that is there', async () => {
  const { clock, recorder, list } = start();
  for (let i = 0; i < 3; i += 1) {
    recorder.event(pod, { type: 'Warning', reason: 'BackOff', message: 'Back-off restarting failed container' });
    clock.advance(5000);
  }
  expect(await list()).toMatchObject([
    {
      type: 'Warning',
      reason: 'BackOff',
      message: 'Back-off restarting failed container',
      count: 3,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:10Z',
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'web', uid: 'u1' },
      source: { component: 'kubelet', host: 'node-1' },
    },
  ]);
});

test('what is said of two containers of a pod is two Events', async () => {
  const { recorder, list } = start();
  for (const fieldPath of ['spec.containers{a}', 'spec.containers{b}'])
    recorder.event({ kind: 'Pod', name: 'web', fieldPath }, { type: 'Normal', reason: 'Started', message: 'x' });
  expect((await list()).map((e) => e.involvedObject.fieldPath)).toEqual(['spec.containers{a}', 'spec.containers{b}']);
});

test('a repeat of what was deleted is made anew, and goes on counting', async () => {
  const { api, clock, recorder, list } = start();
  const text = { type: 'Normal', reason: 'Pulled', message: 'x' } as const;
  recorder.event(pod, text);
  await list();
  clock.advance(601_000);
  recorder.event(pod, text);
  expect((await list()).map((e) => e.count)).toEqual([2]);
  for (const { metadata } of await list()) await api.resource(events).delete(metadata.name, 'default');
  clock.advance(1000);
  recorder.event(pod, text);
  expect(await list()).toMatchObject([
    { count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:10:02Z' },
  ]);
});

test('of what is said too often of an object only every five minutes is written, with its count', async () => {
  const { api, clock, recorder, list } = start();
  const text = { type: 'Warning', reason: 'BackOff', message: 'x' } as const;
  for (let i = 0; i < 40; i += 1) recorder.event(pod, text);
  expect((await list()).map((e) => e.count)).toEqual([25]);
  recorder.event(pod, { ...text, reason: 'Failed' });
  expect(await list()).toHaveLength(1);
  recorder.event({ ...pod, metadata: { ...pod.metadata, uid: 'u2' } }, text);
  recorder.event(pod, { ...text, type: 'Normal' });
  expect(await list()).toHaveLength(3);
  clock.step(-3_600_000);
  clock.advance(299_000);
  recorder.event(pod, text);
  await list();
  clock.advance(1000);
  recorder.event(pod, text);
  expect((await list()).map((e) => e.count)).toEqual([42, 1, 1]);
  const { length } = api.calls;
  recorder.event(pod, text);
  await list();
  expect(api.calls).toHaveLength(length);
});

test('many that differ only in their message are combined', async () => {
  const { recorder, list } = start();
  for (let i = 0; i < 15; i += 1) recorder.event(pod, { type: 'Warning', reason: 'Failed', message: `error ${i}` });
  const all = await list();
  expect(all).toHaveLength(10);
  expect(all.at(-1)).toMatchObject({ count: 6, message: '(combined from similar events): error 14' });
});

test('a server that refuses events stops nobody', async () => {
  const { api, recorder, list } = start();
  const stop = api.react(() => {
    throw forbidden(events, 'web', 'it ends');
  });
  recorder.event(pod, { type: 'Normal', reason: 'A', message: 'a' });
  await settle();
  stop();
  recorder.event(pod, { type: 'Normal', reason: 'B', message: 'b' });
  expect((await list()).map((e) => e.reason)).toEqual(['B']);
});

test('what is said while the server is away is written when it is there again', async () => {
  const { api, clock, recorder, list } = start();
  const tries: number[] = [];
  const stop = api.react(() => {
    tries.push(clock.now());
    throw new Error('connect ECONNREFUSED');
  });
  recorder.event(pod, { type: 'Normal', reason: 'A', message: 'a' });
  recorder.event(pod, { type: 'Normal', reason: 'B', message: 'b' });
  for (let i = 0; i < 3; i += 1) {
    await settle();
    clock.advance(10_000);
  }
  await settle();
  expect(tries.length).toBeGreaterThanOrEqual(3);
  stop();
  clock.advance(10_000);
  await settle();
  expect((await list()).map((e) => e.reason)).toEqual(['A', 'B']);
});

test('an Event has the annotations that are given with it', async () => {
  const { recorder, list } = start();
  recorder.event(pod, {
    type: 'Warning',
    reason: 'Evicted',
    message: 'low',
    annotations: { starved_resource: 'pids' },
  });
  recorder.event(pod, { type: 'Warning', reason: 'Failed', message: 'other' });
  const found = (await list()).map(({ reason, metadata }) => [reason, metadata.annotations]);
  expect(found).toEqual([
    ['Evicted', { starved_resource: 'pids' }],
    ['Failed', undefined],
  ]);
});

// client-go GenerateEventName: what an Event may not be called, the server refuses.
test.each([
  ['web', /^web\.[0-9a-f]{16}$/],
  [`w${'e'.repeat(235)}`, /^we{235}\.[0-9a-f]{16}$/],
  [`w${'e'.repeat(236)}`, /^[0-9a-f-]{36}$/],
  ['system:node', /^[0-9a-f-]{36}$/],
  ['test.POD', /^[0-9a-f-]{36}$/],
])('an Event about %s has a name that it may have', async (name, expected) => {
  const { recorder, list } = start();
  recorder.event({ ...pod, metadata: { ...pod.metadata, name } }, { type: 'Normal', reason: 'Started', message: 'm' });
  expect((await list())[0]?.metadata.name).toMatch(expected);
});
