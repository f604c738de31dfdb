import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { WorkQueue } from './work-queue.ts';

test('a key waits once', async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  queue.add('a');
  queue.add('b');
  queue.add('a');
  expect(queue.length).toBe(2);
  expect(await queue.get()).toBe('a');
  expect(await queue.get()).toBe('b');
});

test('a key added while it is worked on comes again, but not before it is done', async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  queue.add('a');
  expect(await queue.get()).toBe('a');
  queue.add('a');
  queue.add('a');
  expect(queue.length).toBe(0);
  queue.done('a');
  expect(queue.length).toBe(1);
  expect(await queue.get()).toBe('a');
  queue.done('a');
});

test('a key handed to a waiting taker counts as worked on', async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  const taken = queue.get();
  queue.add('a');
  queue.add('a');
  expect(await taken).toBe('a');
  expect(queue.length).toBe(0);
  queue.done('a');
  expect(queue.length).toBe(1);
});

test('back-off doubles with each failure until forgotten', () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, baseDelay: 10, maxDelay: 25 });
  const delays: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    queue.addRateLimited('a');
    const before = clock.now();
    while (queue.length === 0) clock.advance(1);
    delays.push(clock.now() - before);
    void queue.get();
    queue.done('a');
  }
  expect(delays).toEqual([10, 20, 25]);
  expect(queue.numRequeues('a')).toBe(3);
  queue.forget('a');
  expect(queue.numRequeues('a')).toBe(0);
});

test('of several delays the soonest counts', () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  queue.addAfter('a', 100);
  queue.addAfter('a', 50);
  queue.addAfter('a', 200);
  clock.advance(50);
  expect(queue.length).toBe(1);
  clock.advance(1000);
  expect(queue.length).toBe(1);
});

test('of several delays the soonest counts, also when the time was set meanwhile', () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  queue.addAfter('a', 100);
  clock.step(3_600_000);
  queue.addAfter('a', 50);
  clock.advance(50);
  expect(queue.length).toBe(1);
});

test('shutting down lets takers go', async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  const taken = queue.get();
  queue.shutDown();
  expect(await taken).toBeUndefined();
  queue.add('a');
  expect(await queue.get()).toBeUndefined();
});

test('an observer is told of each key once per wait', async () => {
  const told: string[] = [];
  const tell = (what: string) => (key?: unknown) => void told.push(key === undefined ? what : `${what} ${key}`);
  const observer = {
    added: tell('added'),
    begun: tell('begun'),
    done: tell('done'),
    retried: tell('retried'),
    ended: tell('ended'),
  };
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, observer });
  queue.add('a');
  queue.add('a');
  await queue.get();
  queue.add('a');
  queue.addRateLimited('b');
  queue.done('a');
  clock.advance(5);
  queue.shutDown();
  expect(told).toEqual(['added a', 'begun a', 'retried', 'done a', 'added a', 'added b', 'ended']);
});
