import { expect, test } from 'vitest';
import { MemoryStorage } from '../../storage/memory/memory-storage.ts';
import { realClock } from '../../system/real/clock.ts';
import { WatchCache } from './watch-cache.ts';

test('who waits for a revision is let go when the cache ends', async () => {
  const cache = new WatchCache(new MemoryStorage(), realClock);
  await cache.load();
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  const waiting = cache.waitFor(99);
  stop.abort();
  await Promise.all([running, waiting]);
  expect(cache.waitFor(100)).toBeUndefined();
});

test('a reader waits until the cache shows the write that it must see', async () => {
  const storage = new MemoryStorage();
  const cache = new WatchCache(storage, realClock);
  await cache.load();
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  const value = '{"metadata":{"name":"a"}}';
  const key = '/registry/core/configmaps/ns/a';
  await storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
  await cache.waitForNow();
  expect(cache.resource('/registry/core/configmaps/').get(key)?.revision).toBe(2);
  stop.abort();
  await running;
});

test('listeners see the metadata that a writer told of where its value was written, else what the text says', async () => {
  const storage = new MemoryStorage();
  const cache = new WatchCache(storage, realClock);
  await cache.load();
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  const seen: unknown[] = [];
  const prefix = '/registry/core/configmaps/';
  cache.resource(prefix).subscribe(({ current }) => seen.push(current.metadata));
  const put = async (key: string, value: string) => {
    await storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
    await cache.waitForNow();
  };
  const [expected, other] = ['{"metadata":{"name":"a"}}', '{"metadata":{"name":"a","labels":{}}}'];
  const write = { value: expected, metadata: { name: 'a', resourceVersion: '' } };
  cache.expect(`${prefix}ns/a`, write);
  await put(`${prefix}ns/a`, expected);
  await put(`${prefix}ns/a`, other);
  cache.forgetExpected(`${prefix}ns/a`, write);
  await put(`${prefix}ns/a`, expected);
  expect(seen).toEqual([
    { resourceVersion: '2', name: 'a' },
    { resourceVersion: '3', name: 'a', labels: {} },
    { resourceVersion: '4', name: 'a' },
  ]);
  expect(cache.resource(prefix).get(`${prefix}ns/a`)?.metadata).toEqual({ resourceVersion: '4', name: 'a' });
  stop.abort();
  await running;
});
