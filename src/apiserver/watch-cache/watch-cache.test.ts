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
