import { expect, test } from 'vitest';
import { realRandom } from '../../system/real/random.ts';
import { MemoryStorage } from '../memory/memory-storage.ts';
import { storageContract } from '../storage.contract.ts';
import { aesCbc, aesGcm } from './aes.ts';
import { EncryptedStorage } from './encrypted-storage.ts';
import { ResourceTransformers } from './resource-transformers.ts';
import { byteForm, textForm } from './stored-form.ts';
import { firstWrites, identity, type Prefixed, transformerOf } from './transformer.ts';

const gcm = (name: string, byte = 1): Prefixed => ({
  prefix: `k8s:enc:aesgcm:v1:${name}:`,
  transformer: transformerOf(aesGcm(Buffer.alloc(32, byte), realRandom)),
});
const plain: Prefixed = { prefix: '', transformer: identity };

function transformers(name: string, ...list: Prefixed[]): ResourceTransformers {
  return new ResourceTransformers(new Map([[name, firstWrites(list, 'no matching prefix found')]]));
}

const key = '/registry/core/secrets/ns/a';
const put = (value: string, at = key) => ({ compare: [], operations: [{ type: 'put' as const, key: at, value }] });

for (const [name, form] of [
  ['texts', textForm],
  ['bytes', byteForm],
] as const) {
  storageContract(`EncryptedStorage over ${name}`, async () => {
    const cbc = transformerOf(aesCbc(Buffer.alloc(16, 7), realRandom));
    const sealing = firstWrites([{ prefix: 'k8s:enc:aescbc:v1:k:', transformer: cbc }], '');
    return new EncryptedStorage({ storage: new MemoryStorage(), form, transformers: { of: () => sealing } });
  });

  test(`values of ${name} are sealed in the store below, and bound to their key`, async () => {
    const storage = new MemoryStorage();
    const encrypted = new EncryptedStorage({ storage, form, transformers: transformers('secrets', gcm('k1')) });
    await encrypted.transact(put('{"a":"grün"}'));
    await encrypted.transact(put('{"b":"grün"}', '/registry/core/configmaps/ns/a'));
    const stored = (await storage.get(key)).item?.value ?? '';
    expect(stored).toMatch(/^k8s:enc:aesgcm:v1:k1:/);
    expect(stored).not.toContain('"a":');
    expect((await encrypted.get(key)).item?.value).toBe('{"a":"grün"}');
    expect((await encrypted.range({ prefix: '/registry/' })).items.map(({ value }) => value)).toEqual([
      '{"b":"grün"}',
      '{"a":"grün"}',
    ]);
    await storage.transact(put(stored, '/registry/core/secrets/ns/b'));
    await expect(encrypted.get('/registry/core/secrets/ns/b')).rejects.toMatchObject({
      kind: 'unreadable',
      message: 'unable to transform key "/registry/core/secrets/ns/b": cipher: message authentication failed',
    });
  });
}

test('the first key writes and all of them read: what another one sealed is stale until it is written again', async () => {
  const storage = new MemoryStorage();
  const encrypted = new EncryptedStorage({ storage, form: textForm, transformers: transformers('*.', plain) });
  await encrypted.transact(put('{}'));
  const stored = async () => (await storage.get(key)).item?.value.replace(/:[^:]*$/, ':');
  for (const [list, written] of [
    [[gcm('k1', 1), plain], 'k8s:enc:aesgcm:v1:k1:'],
    [[gcm('k2', 2), gcm('k1', 1)], 'k8s:enc:aesgcm:v1:k2:'],
    [[plain, gcm('k2', 2)], '{}'],
  ] as const) {
    encrypted.reload(transformers('*.*', ...list));
    const { item } = await encrypted.get(key);
    expect(item?.value).toBe('{}');
    expect(encrypted.isStale(key)).toBe(true);
    await encrypted.transact(put('{}'));
    expect(await stored()).toBe(written);
    await encrypted.get(key);
    expect(encrypted.isStale(key)).toBe(false);
  }
  expect(encrypted.isStale('/registry/apps/deployments/ns/unseen')).toBe(true);
});

test('a resource is sealed as its name says, else as its group, else as all', () => {
  const way = (name: string) => firstWrites([gcm(name)], '');
  const named = new ResourceTransformers(
    new Map([
      ['secrets', way('one')],
      ['*.', way('core')],
      ['*.apps', way('apps')],
      ['*.*', way('all')],
    ]),
  );
  const prefixOf = (at: string) => named.of(at).seal(Buffer.from('x'), at).prefix.split(':')[4];
  expect(
    ['core/secrets/ns/a', 'core/pods/ns/a', 'apps/deployments/ns/a', 'example.com/foos/a'].map((at) =>
      prefixOf(`/registry/${at}`),
    ),
  ).toEqual(['one', 'core', 'apps', 'all']);
  expect(prefixOf('/portico/pki')).toBe('one');
  expect(named.of('/portico/store-format')).toBe(identity);
  expect(transformers('secrets', gcm('k')).of('/registry/core/pods/ns/a')).toBe(identity);
});

test('a watch ends at a value that cannot be read, which is told', async () => {
  const storage = new MemoryStorage();
  const told: unknown[] = [];
  const onUnreadable = (error: unknown) => told.push((error as Error).message);
  const encrypted = new EncryptedStorage({
    storage,
    form: textForm,
    transformers: transformers('secrets', gcm('k1')),
    onUnreadable,
  });
  await storage.transact(put('k8s:enc:aesgcm:v1:k9:AAAA'));
  const watch = encrypted.watch({ prefix: '/', afterRevision: 1, signal: new AbortController().signal });
  const why = `unable to transform key "${key}": no matching prefix found`;
  await expect(watch.next()).rejects.toThrow(why);
  expect(told).toEqual([why]);
});
