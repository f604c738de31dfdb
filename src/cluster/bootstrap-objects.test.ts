import { expect, test } from 'vitest';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import { markStore } from './bootstrap-objects.ts';

const put = (storage: MemoryStorage, key: string, value: string) =>
  storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });

test('a new store is marked, and known again', async () => {
  const storage = new MemoryStorage();
  await Promise.all([markStore(storage), markStore(storage)]);
  await put(storage, '/registry/core/namespaces/default', '{}');
  await markStore(storage);
});

test('a store of an unknown format is refused, naming it', async () => {
  const storage = new MemoryStorage();
  await put(storage, '/portico/store-format', '7');
  await expect(markStore(storage)).rejects.toThrow('the store is of format 7; this version of Portico knows 1 only');
});

test("another program's store is left alone", async () => {
  const storage = new MemoryStorage();
  await put(storage, '/registry/pods/default/web', 'k8s');
  await expect(markStore(storage)).rejects.toThrow('objects of another program');
  expect((await storage.get('/portico/store-format')).item).toBeUndefined();
});
