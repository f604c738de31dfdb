import { expect, test } from 'vitest';
import type { Pod } from '../api/core/v1/types.generated.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { SchedulingQueue } from './queue.ts';

function pod(name: string, priority = 0): Pod {
  return { metadata: { name, namespace: 'default', uid: name }, spec: { containers: [], priority } };
}

function start(...pods: Pod[]) {
  const clock = new FakeClock();
  const queue = new SchedulingQueue(clock);
  for (const one of pods) queue.add(one);
  const next = () => queue.pop()?.metadata.name;
  return { clock, queue, next };
}

test('the most important first, then in the order they came', () => {
  const { next } = start(pod('a'), pod('b', 5), pod('c'), pod('d', 5));
  expect([next(), next(), next(), next(), next()]).toEqual(['b', 'd', 'a', 'c', undefined]);
});

test('one that was tried in vain goes behind those that came meanwhile, unless it is more important', () => {
  const important = pod('important', 5);
  const { clock, queue, next } = start(pod('early'), important);
  expect([next(), next()]).toEqual(['important', 'early']);
  queue.add(pod('late'));
  queue.failed(pod('early'));
  queue.failed(important);
  clock.advance(1000);
  queue.clusterChanged([]);
  expect([next(), next(), next()]).toEqual(['important', 'late', 'early']);
});

test('one that waits for its back-off holds nobody up', () => {
  const important = pod('important', 5);
  const { queue, next } = start(important, pod('other'));
  expect(next()).toBe('important');
  queue.failed(important);
  queue.clusterChanged([]);
  expect([next(), next()]).toEqual(['other', undefined]);
});

test('its back-off lasts as long when the time is set back meanwhile', () => {
  const { clock, queue, next } = start(pod('a'));
  expect(next()).toBe('a');
  queue.failed(pod('a'));
  clock.step(-3_600_000);
  clock.advance(1000);
  queue.clusterChanged([]);
  expect(next()).toBe('a');
});

test('one that waits is left alone by changes that do not help it', () => {
  const one = pod('a');
  const { clock, queue, next } = start(one);
  expect(next()).toBe('a');
  queue.failed(one, (changes) => changes.has('pod'));
  clock.advance(1000);
  queue.clusterChanged([{ kind: 'node', now: { metadata: { name: 'n' }, spec: {} } }]);
  expect(next()).toBeUndefined();
  queue.clusterChanged([{ kind: 'pod', old: pod('b') }]);
  expect(next()).toBe('a');
});

test('the back-off doubles from a second to ten', () => {
  const one = pod('a');
  const { clock, queue, next } = start(one);
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    expect(next()).toBe('a');
    queue.failed(one);
    queue.clusterChanged([]);
    clock.advance(seconds * 1000 - 1);
    expect(next()).toBeUndefined();
    clock.advance(1);
  }
});

test('without a change it is tried again after five minutes', () => {
  const one = pod('a');
  const { clock, queue, next } = start(one);
  expect(next()).toBe('a');
  queue.failed(one);
  clock.advance(299_999);
  expect(next()).toBeUndefined();
  clock.advance(1);
  expect(next()).toBe('a');
});

test('room that was made for it ends its back-off', () => {
  const one = pod('a');
  const { queue, next } = start(one);
  expect(next()).toBe('a');
  queue.failed(one);
  queue.hurry('default/a');
  expect(next()).toBe('a');
});

test('one that is gone is tried no more, and one of its name begins anew', () => {
  const { queue, next } = start(pod('a'), pod('b'));
  queue.remove('default/a');
  expect(next()).toBe('b');
  queue.add(pod('a'));
  queue.add({ ...pod('a'), metadata: { name: 'a', namespace: 'default', uid: 'other' } });
  expect(queue.pop()?.metadata.uid).toBe('other');
  expect(next()).toBeUndefined();
});

test('what failed for a pod says nothing of another that has its name', () => {
  const old = pod('a');
  const anew = { ...old, metadata: { ...old.metadata, uid: 'other' } };
  const { clock, queue, next } = start(old);
  expect(next()).toBe('a');
  queue.add(anew);
  expect(next()).toBe('a');
  queue.retry(old);
  clock.advance(10_000);
  expect(next()).toBeUndefined();
  queue.retry(anew);
  clock.advance(10_000);
  expect(next()).toBe('a');
});
