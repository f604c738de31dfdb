import { describe, expect, test } from 'vitest';
import { UnreadableError } from '../../storage/encryption/sealed-prefix.ts';
import { MemoryStorage } from '../../storage/memory/memory-storage.ts';
import {
  CompactedError,
  HistoryLostError,
  type KeyValue,
  type RangeRequest,
  type RangeResult,
  type Storage,
  type WatchBatch,
} from '../../storage/storage.ts';
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

test('storage that cannot be read is read more and more seldom, and as soon as ever once it could be', async () => {
  class SealedStorage extends MemoryStorage {
    isSealed = false;
    override range(request: RangeRequest): Promise<RangeResult> {
      return this.isSealed ? Promise.reject(new UnreadableError('/registry/a', 'no key')) : super.range(request);
    }
    // biome-ignore lint/correctness/useYield: it breaks before there is anything to tell.
    override async *watch(): AsyncIterable<WatchBatch> {
      throw new UnreadableError('/registry/a', 'no key');
    }
  }
  const storage = new SealedStorage();
  const stop = new AbortController();
  const waits: number[] = [];
  const sleep = async (ms: number) => {
    waits.push(ms);
    storage.isSealed = waits.length !== 9;
    if (waits.length === 11) stop.abort();
  };
  const cache = new WatchCache(storage, { ...realClock, sleep });
  await cache.load();
  await cache.run(stop.signal);
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 100, 200]);
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

/** Storage whose watches break when told to, as if history had been compacted, and whose objects can be replaced by others. */
class BreakingStorage extends MemoryStorage {
  items: readonly KeyValue[] | undefined;
  #broken = Promise.withResolvers<never>();

  override async range(request: RangeRequest): Promise<RangeResult> {
    const result = await super.range(request);
    return this.items ? { ...result, items: this.items } : result;
  }

  override async *watch(): AsyncIterable<WatchBatch> {
    yield await this.#broken.promise;
  }

  break(): void {
    // Nobody may be watching.
    this.#broken.promise.catch(() => {});
    this.#broken.reject(new CompactedError(1));
    this.#broken = Promise.withResolvers();
  }
}

describe('after a watch that broke', () => {
  const prefix = '/registry/core/configmaps/';
  const value = '{"metadata":{"name":"x"}}';
  const put = (storage: Storage, name: string) =>
    storage.transact({ compare: [], operations: [{ type: 'put', key: `${prefix}ns/${name}`, value }] });

  async function brokenAfter(...names: string[]) {
    const storage = new BreakingStorage();
    for (const name of names) await put(storage, name);
    const cache = new WatchCache(storage, realClock);
    await cache.load();
    const stop = new AbortController();
    const running = cache.run(stop.signal);
    running.catch(() => {});
    return { storage, cache, stop, running };
  }

  test('what changed meanwhile is told in the order of revisions', async () => {
    const { storage, cache, stop, running } = await brokenAfter('a', 'b');
    await storage.transact({ compare: [], operations: [{ type: 'delete', key: `${prefix}ns/a` }] });
    await put(storage, 'c');
    await put(storage, 'b');
    storage.break();
    await cache.waitForNow();
    const events = cache.resource(prefix).eventsAfter(3)!;
    expect(events.map(({ type, current, revision }) => `${type} ${current.key.at(-1)} ${revision}`)).toEqual([
      'ADDED c 5',
      'MODIFIED b 6',
      'DELETED a 6',
    ]);
    stop.abort();
    storage.break();
    await running;
  });

  test.each([
    ['an object has an older revision', [{ name: 'b', modRevision: 2 }]],
    ['an object is there again', [{ name: 'z', modRevision: 2 }]],
  ])('%s: storage is another, and nothing is read any more', async (_, found) => {
    const { storage, cache, running } = await brokenAfter('a', 'b');
    storage.items = found.map(({ name, modRevision }) => ({
      key: `${prefix}ns/${name}`,
      value,
      modRevision,
      createRevision: modRevision,
      version: 1,
    }));
    storage.break();
    await expect(running).rejects.toThrow(HistoryLostError);
    expect(() => cache.waitForNow()).toThrow(HistoryLostError);
  });
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

describe('a value of which no object can be made', () => {
  const prefix = '/registry/core/configmaps/';
  const spoilt = `${prefix}ns/spoilt`;
  const good = '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}';

  async function started(values: Readonly<Record<string, string>>) {
    const storage = new MemoryStorage();
    const put = (key: string, value: string) =>
      storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
    for (const [name, value] of Object.entries(values)) await put(`${prefix}ns/${name}`, value);
    const told: string[] = [];
    const onUnreadable = (error: Error) => void told.push(error.message);
    const cache = new WatchCache(storage, realClock, { isStorageShared: true, onUnreadable });
    await cache.load();
    const stop = new AbortController();
    const running = cache.run(stop.signal);
    const seen: string[] = [];
    cache.resource(prefix).subscribe(({ type, current }) => seen.push(`${type} ${current.metadata.name}`));
    const end = async () => {
      stop.abort();
      await running;
    };
    const write = async (value: string | undefined) => {
      if (value !== undefined) await put(spoilt, value);
      else await storage.transact({ compare: [], operations: [{ type: 'delete', key: spoilt }] });
      await cache.waitForNow();
    };
    return { cache: cache.resource(prefix), told, seen, write, end };
  }

  test.each([
    ['no JSON at all', 'x', /^unable to transform key "\/registry\/core\/configmaps\/ns\/spoilt": it is no JSON$/],
    ['cut off', good.slice(0, -2), /spoilt": it is no JSON$/],
    ['no object', '[]', /spoilt": it is no object with a name/],
    ['null', 'null', /spoilt": it is no object with a name/],
    ['no name', '{"metadata":{}}', /spoilt": it is no object with a name/],
    ['printed by another program', good.replaceAll(':', ': '), /spoilt": it is not laid out/],
    ['in another order', '{"data":{},"metadata":{"name":"a"}}', /spoilt": it is not laid out/],
    ['sealed, by a server that has keys', 'k8s:enc:aesgcm:v1:key1:x', /spoilt": it is encrypted/],
  ])('%s: it and lists of its namespace are refused by its key; all else goes on', async (_, value, message) => {
    const { cache, told, seen, write, end } = await started({ a: good });
    await write(value);
    expect(told).toEqual([expect.stringMatching(message)]);
    expect(() => cache.get(spoilt)).toThrow(message);
    expect(() => cache.list(prefix)).toThrow(message);
    expect(cache.get(`${prefix}ns/a`)).toBeDefined();
    expect(cache.list(`${prefix}other/`)).toEqual([]);
    expect(cache.readable(prefix)).toHaveLength(1);
    await write('{"metadata":{"name":"mended"}}');
    expect(cache.list(prefix)).toHaveLength(2);
    expect(seen).toEqual(['ADDED mended']);
    await end();
  });

  test('it is refused after a start too, until somebody takes it away', async () => {
    const { cache, told, seen, write, end } = await started({ a: good, spoilt: 'x' });
    expect(told).toHaveLength(1);
    expect(() => cache.list(prefix)).toThrow('spoilt');
    await write(undefined);
    expect(cache.list(prefix)).toHaveLength(1);
    expect(seen).toEqual([]);
    await end();
  });

  test('who watches is told of nothing while an object is spoilt, and of its end', async () => {
    const { seen, write, end } = await started({ spoilt: good });
    await write('x');
    expect(seen).toEqual([]);
    await write(undefined);
    expect(seen).toEqual(['DELETED a']);
    await end();
  });
});
