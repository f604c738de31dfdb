import { expect, test } from 'vitest';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { Compactor, compactionTarget } from './compaction.ts';

const minute = 60_000;

test('history of five minutes is kept', () => {
  const samples = [0, 1, 2, 3, 4, 5, 6].map((n) => ({ at: n * minute, revision: 10 + n }));
  expect(compactionTarget(samples.slice(0, 4), 3 * minute)).toBe(0);
  expect(compactionTarget(samples, 6 * minute)).toBe(11);
});

test('of a flood of writes less is kept', () => {
  const samples = [
    { at: 0, revision: 1 },
    { at: minute, revision: 250_000 },
  ];
  expect(compactionTarget(samples, minute)).toBe(150_000);
});

async function write(storage: Storage, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await storage.transact({ compare: [], operations: [{ type: 'put', key: '/a', value: String(i) }] });
  }
}

/** Lets everything that waits only for promises run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('compacts as time passes, tells how far, and ends with the signal', async () => {
  const storage = new MemoryStorage();
  const clock = new FakeClock();
  const told: number[] = [];
  const stop = new AbortController();
  const errors: unknown[] = [];
  const compactor = new Compactor({
    storage,
    clock,
    onCompacted: (revision) => told.push(revision),
    onError: (error) => errors.push(error),
  });
  await write(storage, 10);
  const running = compactor.run(stop.signal);
  await settled();
  await write(storage, 10);
  for (let passed = 0; passed < 6 * minute; passed += minute / 2) {
    clock.advance(minute / 2);
    await settled();
  }
  expect(told).toEqual([11, 21]);
  await expect(storage.range({ prefix: '/', revision: 15 })).rejects.toMatchObject({ kind: 'compacted' });
  stop.abort();
  await running;
  expect(errors).toEqual([]);
});

test('what another server compacted is no failure; what fails is tried again', async () => {
  const storage = new MemoryStorage();
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const told: number[] = [];
  const failing = { broken: true };
  const flaky: Storage = Object.assign(Object.create(storage) as Storage, {
    currentRevision: () => storage.currentRevision(),
    compact: (revision: number) =>
      failing.broken ? Promise.reject(new Error('disk full')) : storage.compact(revision),
  });
  const compactor = new Compactor({
    storage: flaky,
    clock,
    onCompacted: (revision) => told.push(revision),
    onError: (error) => errors.push(error),
  });
  await write(storage, 5);
  const stop = new AbortController();
  const running = compactor.run(stop.signal);
  const pass = async (periods: number) => {
    for (let i = 0; i < periods; i++) {
      await settled();
      clock.advance(minute / 2);
    }
    await settled();
  };
  await pass(10);
  expect(errors).toHaveLength(1);
  expect(told).toEqual([]);
  failing.broken = false;
  await storage.compact(6);
  await pass(1);
  expect(told).toEqual([6]);
  stop.abort();
  await running;
});

test('of two servers of one storage one compacts at a time, every five minutes; the other goes on when it is gone', async () => {
  const storage = new MemoryStorage();
  const clock = new FakeClock();
  const servers = [0, 1].map(() => {
    const compacted: number[] = [];
    const own: Storage = Object.assign(Object.create(storage) as Storage, {
      currentRevision: () => storage.currentRevision(),
      transact: storage.transact.bind(storage),
      compact(revision: number) {
        compacted.push(revision);
        return storage.compact(revision);
      },
    });
    const stop = new AbortController();
    const onError = (error: unknown) => expect.fail(String(error));
    const compactor = new Compactor({ storage: own, clock, isStorageShared: true, onCompacted() {}, onError });
    return { compacted, stop, running: compactor.run(stop.signal) };
  });
  const pass = async (periods: number) => {
    for (let i = 0; i < periods; i++) {
      await write(storage, 10);
      await settled();
      clock.advance(5 * minute);
      await settled();
    }
  };
  const compacted = () => servers.flatMap((server) => server.compacted).sort((a, b) => a - b);
  await pass(4);
  // The first look is too early; after each of the four periods one compacts.
  expect(compacted()).toHaveLength(4);
  expect(new Set(compacted()).size).toBe(4);
  const [first, second] = servers;
  first!.stop.abort();
  await first!.running;
  const before = compacted().at(-1)!;
  await pass(3);
  expect(compacted().at(-1)).toBeGreaterThan(before);
  second!.stop.abort();
  await second!.running;
});
