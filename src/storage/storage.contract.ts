// What every Storage must do: each implementation runs this suite.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CompactedError, FutureRevisionError, type Storage, type StorageEvent } from './storage.ts';

export function storageContract(name: string, open: () => Promise<Storage>): void {
  describe(`${name} keeps the storage contract`, () => {
    let storage: Storage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    const put = (key: string, value: string) =>
      storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
    const remove = (key: string) => storage.transact({ compare: [], operations: [{ type: 'delete', key }] });
    const create = (key: string, value: string) =>
      storage.transact({ compare: [{ key, modRevision: 0 }], operations: [{ type: 'put', key, value }] });

    /** Reads events until one has this revision. */
    async function eventsUntil(prefix: string, afterRevision: number, until: number): Promise<StorageEvent[]> {
      const stop = new AbortController();
      const events: StorageEvent[] = [];
      for await (const batch of storage.watch({ prefix, afterRevision, signal: stop.signal })) {
        events.push(...batch.events);
        if (batch.revision >= until) break;
      }
      stop.abort();
      return events;
    }

    test('an empty store is at revision 1', async () => {
      expect(await storage.currentRevision()).toBe(1);
      expect(await storage.get('/a')).toEqual({ item: undefined, revision: 1 });
      expect(await storage.range({ prefix: '/' })).toEqual({ items: [], count: 0, revision: 1 });
    });

    test('each write counts the revision, the key keeps its creation and counts its versions', async () => {
      await put('/a', '1');
      await put('/b', '1');
      const { revision } = await put('/a', '2');
      expect(revision).toBe(4);
      expect((await storage.get('/a')).item).toEqual({
        key: '/a',
        value: '2',
        createRevision: 2,
        modRevision: 4,
        version: 2,
      });
      await remove('/a');
      await put('/a', '3');
      expect((await storage.get('/a')).item).toMatchObject({ createRevision: 6, version: 1 });
    });

    test('a transaction writes all or nothing, at one revision', async () => {
      const both = await storage.transact({
        compare: [
          { key: '/a', modRevision: 0 },
          { key: '/b', modRevision: 0 },
        ],
        operations: [
          { type: 'put', key: '/a', value: 'a' },
          { type: 'put', key: '/b', value: 'b' },
        ],
      });
      expect(both).toEqual({ succeeded: true, revision: 2 });
      const refused = await storage.transact({
        compare: [
          { key: '/a', modRevision: 2 },
          { key: '/b', modRevision: 7 },
        ],
        operations: [{ type: 'put', key: '/a', value: 'never' }],
      });
      expect(refused).toMatchObject({ succeeded: false, revision: 2, current: [{ value: 'a' }, { value: 'b' }] });
      expect((await storage.get('/a')).item?.value).toBe('a');
    });

    test('of many who create the same key at once, one wins', async () => {
      const results = await Promise.all(Array.from({ length: 20 }, (_, i) => create('/one', String(i))));
      expect(results.filter((r) => r.succeeded)).toHaveLength(1);
      const winner = results.findIndex((r) => r.succeeded);
      expect((await storage.get('/one')).item?.value).toBe(String(winner));
      for (const result of results) if (!result.succeeded) expect(result.current[0]?.value).toBe(String(winner));
    });

    test('deleting what is not there changes nothing', async () => {
      expect(await remove('/a')).toEqual({ succeeded: true, revision: 1 });
      expect(await storage.currentRevision()).toBe(1);
    });

    test('a range goes by prefix, in order, page by page, counting all', async () => {
      for (const key of ['/p/c', '/p/a', '/q', '/p/b', '/o']) await put(key, key);
      const all = await storage.range({ prefix: '/p/' });
      expect(all.items.map((i) => i.key)).toEqual(['/p/a', '/p/b', '/p/c']);
      const first = await storage.range({ prefix: '/p/', limit: 2 });
      expect(first).toMatchObject({ count: 3, items: [{ key: '/p/a' }, { key: '/p/b' }] });
      const second = await storage.range({ prefix: '/p/', limit: 2, after: '/p/b', revision: first.revision });
      expect(second).toMatchObject({ count: 1, items: [{ key: '/p/c' }] });
    });

    test('a range at an earlier revision shows what was then', async () => {
      await put('/a', '1');
      await put('/b', '1');
      const then = await storage.currentRevision();
      await put('/a', '2');
      await remove('/b');
      await put('/c', '1');
      expect((await storage.range({ prefix: '/', revision: then })).items.map((i) => i.key + i.value)).toEqual([
        '/a1',
        '/b1',
      ]);
      expect((await storage.get('/b', then)).item?.value).toBe('1');
      expect((await storage.get('/c', then)).item).toBeUndefined();
    });

    test('a revision that was compacted, or has not come, is an error', async () => {
      for (const value of ['1', '2', '3', '4']) await put('/a', value);
      await storage.compact(4);
      await expect(storage.range({ prefix: '/', revision: 3 })).rejects.toBeInstanceOf(CompactedError);
      expect((await storage.range({ prefix: '/', revision: 4 })).items[0]?.value).toBe('3');
      await expect(storage.range({ prefix: '/', revision: 99 })).rejects.toBeInstanceOf(FutureRevisionError);
      await expect(storage.compact(4)).rejects.toBeInstanceOf(CompactedError);
      await expect(storage.compact(99)).rejects.toBeInstanceOf(FutureRevisionError);
      await expect(eventsUntil('/', 2, 5)).rejects.toBeInstanceOf(CompactedError);
      expect((await eventsUntil('/', 4, 5)).map((e) => e.current?.value)).toEqual(['4']);
    });

    test('a prefix is a matter of characters: neither of folders nor of ASCII', async () => {
      const keys = ['/p', '/p/', '/p/a', '/p0', '/pé', '/pé/ü', '/p日本', '/q', '/~', 'a', 'ÿ'];
      for (const key of keys) await put(key, `of ${key}`);
      const below = async (prefix: string) => (await storage.range({ prefix })).items.map((item) => item.key);
      expect(await below('')).toEqual(keys);
      expect(await below('/p')).toEqual(keys.slice(0, 7));
      expect(await below('/p/')).toEqual(['/p/', '/p/a']);
      expect(await below('/pé')).toEqual(['/pé', '/pé/ü']);
      expect(await below('/p日')).toEqual(['/p日本']);
      expect(await below('ÿ')).toEqual(['ÿ']);
      expect(await below('/p/a/')).toEqual([]);
      expect((await storage.get('/pé/ü')).item?.value).toBe('of /pé/ü');
      expect((await eventsUntil('/pé', 1, keys.length + 1)).map((event) => event.key)).toEqual(['/pé', '/pé/ü']);
    });

    test('a position before the prefix is its beginning, one after it its end', async () => {
      for (const key of ['/a', '/p/a', '/p/b', '/z']) await put(key, '');
      expect(await storage.range({ prefix: '/p/', after: '/a' })).toMatchObject({ count: 2, items: [{}, {}] });
      expect(await storage.range({ prefix: '/p/', after: '/z' })).toMatchObject({ count: 0, items: [] });
      expect(await storage.range({ prefix: '/p/', after: '/p/b', limit: 1 })).toMatchObject({ count: 0, items: [] });
    });

    test('a range of many and of large values is whole, and limited where it is to be', async () => {
      const keys = Array.from({ length: 1000 }, (_, i) => `/many/${String(i).padStart(4, '0')}`);
      for (let start = 0; start < keys.length; start += 100) {
        const operations = keys.slice(start, start + 100).map((key) => ({ type: 'put', key, value: key }) as const);
        await storage.transact({ compare: [], operations });
      }
      const large = 'ü'.repeat(500_000);
      for (const name of ['a', 'b', 'c', 'd']) await put(`/many/large-${name}`, name + large);
      const all = await storage.range({ prefix: '/many/' });
      expect(all.count).toBe(1004);
      expect(all.items.slice(0, 1000).map((item) => item.value)).toEqual(keys);
      expect(all.items.slice(1000).map((item) => item.value)).toEqual(['a', 'b', 'c', 'd'].map((name) => name + large));
      const some = await storage.range({ prefix: '/many/', limit: 750 });
      expect(some.count).toBe(1004);
      expect(some.items.map((item) => item.key)).toEqual(keys.slice(0, 750));
      const watched = await eventsUntil('/many/large', 1, all.revision);
      expect(watched.map((event) => event.current?.value.length)).toEqual(Array(4).fill(large.length + 1));
    });

    test('concurrent transactions that compare add up', async () => {
      await put('/counter', '0');
      const add = async () => {
        let known = (await storage.get('/counter')).item;
        for (;;) {
          const value = String(Number(known?.value) + 1);
          const result = await storage.transact({
            compare: [{ key: '/counter', modRevision: known?.modRevision ?? 0 }],
            operations: [{ type: 'put', key: '/counter', value }],
          });
          if (result.succeeded) return result.revision;
          known = result.current[0];
        }
      };
      const revisions = await Promise.all(Array.from({ length: 30 }, add));
      expect(new Set(revisions).size).toBe(30);
      expect((await storage.get('/counter')).item).toMatchObject({ value: '30', version: 31 });
    });

    test('a watch from where compaction stands, and one under way, miss nothing; one from before is told', async () => {
      await put('/a', '1');
      await put('/b', '1');
      await remove('/b');
      await put('/a', '2');
      const running = eventsUntil('/', 1, 6);
      const seen = eventsUntil('/', 1, 5);
      await seen;
      await storage.compact(4);
      expect((await eventsUntil('/', 4, 5)).map((e) => [e.type, e.key, e.revision])).toEqual([['put', '/a', 5]]);
      await expect(eventsUntil('/', 3, 5)).rejects.toMatchObject({ kind: 'compacted', compactRevision: 4 });
      await expect(storage.get('/a', 3)).rejects.toMatchObject({ kind: 'compacted', compactRevision: 4 });
      await expect(storage.get('/a', 9)).rejects.toMatchObject({ kind: 'future-revision', currentRevision: 5 });
      expect((await storage.get('/a', 4)).item?.value).toBe('1');
      await remove('/a');
      expect((await running).map((e) => [e.type, e.key, e.revision])).toEqual([
        ['put', '/a', 2],
        ['put', '/b', 3],
        ['delete', '/b', 4],
        ['put', '/a', 5],
        ['delete', '/a', 6],
      ]);
    });

    test('many watchers, begun at different times, all see everything in order', async () => {
      const watched = [eventsUntil('/k', 1, 101)];
      for (let i = 0; i < 100; i++) {
        await put(i % 2 === 0 ? '/k' : '/other', String(i));
        if (i % 20 === 0) watched.push(eventsUntil('/k', 1, 101));
      }
      const expected = Array.from({ length: 50 }, (_, i) => String(2 * i));
      for (const events of await Promise.all(watched)) expect(events.map((e) => e.current?.value)).toEqual(expected);
    });

    test('a watch gives what was written since, and what is written then', async () => {
      await put('/a', '1');
      const watched = eventsUntil('/a', 1, 5);
      await put('/b', '1');
      await put('/a', '2');
      await remove('/a');
      expect((await watched).map((e) => [e.type, e.key, e.revision, e.current?.value])).toEqual([
        ['put', '/a', 2, '1'],
        ['put', '/a', 4, '2'],
        ['delete', '/a', 5, undefined],
      ]);
    });

    test('the writes of one transaction come in one batch', async () => {
      const stop = new AbortController();
      const batches = storage.watch({ prefix: '/', afterRevision: 1, signal: stop.signal });
      await storage.transact({
        compare: [],
        operations: [
          { type: 'put', key: '/a', value: '' },
          { type: 'put', key: '/b', value: '' },
        ],
      });
      for await (const { revision, events } of batches) {
        expect({ revision, keys: events.map((e) => e.key) }).toEqual({ revision: 2, keys: ['/a', '/b'] });
        break;
      }
    });

    test('a watch ends when its signal aborts', async () => {
      const stop = new AbortController();
      const ended = (async () => {
        for await (const _ of storage.watch({ prefix: '/', afterRevision: 1, signal: stop.signal })) {
          // Nothing is written, so nothing comes.
        }
      })();
      stop.abort();
      await ended;
    });

    test('an acknowledged write is seen by the next read', async () => {
      for (let i = 0; i < 50; i++) {
        const { revision } = await put('/a', String(i));
        expect((await storage.get('/a')).item).toMatchObject({ value: String(i), modRevision: revision });
      }
    });

    test('whatever is written, ranges at every revision and the watch agree with a plain model', async () => {
      const operation = fc.record({ key: fc.constantFrom('/a', '/b', '/c/d', '/c'), value: fc.option(fc.string()) });
      const history = fc.array(fc.array(operation, { minLength: 1, maxLength: 3 }), { maxLength: 25 });
      await fc.assert(
        fc.asyncProperty(history, async (transactions) => {
          const fresh = await open();
          const models: [number, Map<string, string>][] = [];
          const model = new Map<string, string>();
          for (const operations of transactions) {
            const unique = [...new Map(operations.map((o) => [o.key, o])).values()];
            const { revision } = await fresh.transact({
              compare: [],
              operations: unique.map(({ key, value }) =>
                value === null ? { type: 'delete', key } : { type: 'put', key, value },
              ),
            });
            for (const { key, value } of unique) value === null ? model.delete(key) : model.set(key, value);
            models.push([revision, new Map(model)]);
          }
          for (const [revision, expected] of models) {
            const { items } = await fresh.range({ prefix: '/', revision });
            expect(items.map((i) => [i.key, i.value])).toEqual([...expected].sort(([a], [b]) => (a < b ? -1 : 1)));
          }
          const replayed = new Map<string, string>();
          const last = await fresh.currentRevision();
          const stop = new AbortController();
          if (last > 1) {
            for await (const { revision, events } of fresh.watch({
              prefix: '/',
              afterRevision: 1,
              signal: stop.signal,
            })) {
              for (const e of events) e.current ? replayed.set(e.key, e.current.value) : replayed.delete(e.key);
              if (revision === last) break;
            }
          }
          expect(replayed).toEqual(model);
          await fresh.close();
        }),
        { numRuns: 20 },
      );
    });
  });
}
