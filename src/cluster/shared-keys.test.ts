import { expect, test } from 'vitest';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import type { Files } from '../system/files.ts';
import { withSharedKeys } from './shared-keys.ts';

let made = 0;
/** Makes what is missing, as loading the keys of a cluster does. */
async function load(files: Files): Promise<string[]> {
  const texts: string[] = [];
  for (const name of ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'service-account.key', 'server.crt']) {
    const path = `/pki/${name}`;
    const text = (await files.read(path)) ?? `${name} ${++made}`;
    await files.write(path, text);
    texts.push(text);
  }
  return texts;
}

test('servers that start at the same time agree on all shared keys and keep their own', async () => {
  const storage = new MemoryStorage();
  const all = await Promise.all(Array.from({ length: 5 }, () => withSharedKeys(storage, load)));
  const shared = new Set(all.map(({ loaded }) => loaded.slice(0, 4).join()));
  expect(shared.size).toBe(1);
  expect(new Set(all.map(({ loaded }) => loaded[4])).size).toBe(5);
  const [first] = all;
  expect(await load(first!.files)).toEqual(first!.loaded);
  const later = await withSharedKeys(storage, load);
  expect(later.loaded.slice(0, 4)).toEqual(first!.loaded.slice(0, 4));
});
