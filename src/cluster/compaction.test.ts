import { expect, test, vi } from 'vitest';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import { CompactedError } from '../storage/storage.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { runCompaction } from './compaction.ts';

const period = 5 * 60_000;

async function put(storage: MemoryStorage, value: string): Promise<number> {
  const { revision } = await storage.transact({ compare: [], operations: [{ type: 'put', key: '/a', value }] });
  return revision;
}

test('what was superseded two periods ago is forgotten, what is younger is kept', async () => {
  const storage = new MemoryStorage();
  const clock = new FakeClock();
  const stop = new AbortController();
  const first = await put(storage, '1');
  const second = await put(storage, '2');
  const after = vi.spyOn(clock, 'after');
  const running = runCompaction(storage, clock, stop.signal);
  await vi.waitFor(() => expect(after).toHaveBeenCalledTimes(1));
  await put(storage, '3');
  clock.advance(period);
  await vi.waitFor(() => expect(after).toHaveBeenCalledTimes(2));
  await expect(storage.range({ prefix: '/', revision: second })).resolves.toMatchObject({ items: [{ value: '2' }] });
  await expect(storage.range({ prefix: '/', revision: first })).rejects.toBeInstanceOf(CompactedError);
  stop.abort();
  await running;
});
