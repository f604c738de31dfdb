// Storage over etcd, against real etcd processes: the contract, and what happens when etcd goes away and comes back.
import { afterEach, expect, test } from 'vitest';
import { loadTransformers } from '../../src/apiserver/encryption/providers.ts';
import { EncryptedStorage } from '../../src/storage/encryption/encrypted-storage.ts';
import { byteForm } from '../../src/storage/encryption/stored-form.ts';
import { identity } from '../../src/storage/encryption/transformer.ts';
import { EtcdStorage } from '../../src/storage/etcd/etcd-storage.ts';
import { storageContract } from '../../src/storage/storage.contract.ts';
import type { Storage, StorageEvent } from '../../src/storage/storage.ts';
import { realClock as clock } from '../../src/system/real/clock.ts';
import { realRandom as random } from '../../src/system/real/random.ts';
import { type EtcdCluster, startEtcd } from '../fixtures/etcd-process.ts';

storageContract('EtcdStorage', async () => {
  const etcd = await startEtcd();
  const storage = await EtcdStorage.open({ endpoints: etcd.endpoints, clock, random });
  const close = storage.close.bind(storage);
  storage.close = async () => {
    await close();
    await etcd.stop();
  };
  return storage;
});

const toEnd: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).reverse()) await end();
});

async function open(etcd: EtcdCluster): Promise<EtcdStorage> {
  const storage = await EtcdStorage.open({ endpoints: etcd.endpoints, clock, random });
  toEnd.push(() => storage.close());
  return storage;
}

async function start(size?: number): Promise<EtcdCluster> {
  const etcd = await startEtcd(size === undefined ? {} : { size });
  toEnd.push(() => etcd.stop());
  return etcd;
}

const put = (storage: Storage, key: string, value = '') =>
  storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });

/** Follows everything after revision 1 until an event for the key comes; calls back for each. */
async function keysUntil(storage: Storage, last: string, onEvent?: (event: StorageEvent) => void): Promise<string[]> {
  const keys: string[] = [];
  for await (const { events } of storage.watch({
    prefix: '/',
    afterRevision: 1,
    signal: new AbortController().signal,
  })) {
    for (const event of events) {
      keys.push(event.key);
      onEvent?.(event);
    }
    if (keys.includes(last)) break;
  }
  return keys;
}

test('reads, writes and watches go on over a restart of etcd, and the watch misses nothing', async () => {
  const etcd = await start();
  const storage = await open(etcd);
  const other = await open(etcd);
  const begun = Promise.withResolvers<void>();
  const watched = keysUntil(storage, '/d', () => begun.resolve());
  await put(storage, '/a');
  await begun.promise;
  await etcd.members[0]!.kill();
  const reading = storage.get('/a');
  // The first may have been on its way when etcd went, so nobody knows of it; the second certainly was not.
  const writing = put(storage, '/b').catch(() => put(storage, '/b'));
  await etcd.members[0]!.start();
  expect((await reading).item?.modRevision).toBe(2);
  expect((await writing).succeeded).toBe(true);
  await put(other, '/c');
  await put(other, '/d');
  expect(await watched).toEqual(['/a', '/b', '/c', '/d']);
});

test('a watch that was away while history was compacted is told so; a new one goes on from the present', async () => {
  const etcd = await start();
  const storage = await open(etcd);
  const other = await open(etcd);
  await put(other, '/a');
  const stop = new AbortController();
  const begun = Promise.withResolvers<void>();
  const resume = Promise.withResolvers<void>();
  const slow = (async () => {
    for await (const _ of storage.watch({ prefix: '/', afterRevision: 1, signal: stop.signal })) {
      begun.resolve();
      // Holds on to the first event until the next are compacted away, and the shared tail has lost them too.
      await resume.promise;
    }
  })();
  await begun.promise;
  await put(other, '/b');
  await put(other, '/c');
  await other.compact(4);
  for (let start = 0; start < 9000; start += 300) {
    await Promise.all(Array.from({ length: 300 }, () => put(other, '/many')));
  }
  const { revision } = await put(other, '/z');
  for await (const batch of storage.watch({ prefix: '/z', afterRevision: revision - 1, signal: stop.signal })) {
    expect(batch.events.map((event) => event.key)).toEqual(['/z']);
    break;
  }
  resume.resolve();
  await expect(slow).rejects.toMatchObject({ kind: 'compacted', compactRevision: 4 });
});

test('calls go to another member when theirs is gone', async () => {
  const etcd = await start(3);
  const storage = await open(etcd);
  await put(storage, '/a');
  await etcd.members[0]!.kill();
  expect((await storage.get('/a')).item?.key).toBe('/a');
  const watched = keysUntil(storage, '/b');
  expect((await put(storage, '/b')).succeeded).toBe(true);
  expect(await watched).toEqual(['/a', '/b']);
});

test('once an older state of etcd was put back nothing is read, written or watched as if it were the same', async () => {
  const etcd = await start();
  const storage = await open(etcd);
  const other = await open(etcd);
  const putBack = await etcd.members[0]!.save();
  const watched = keysUntil(storage, '/never');
  watched.catch(() => {});
  await put(other, '/a');
  await put(other, '/b');
  await expect.poll(() => storage.get('/b').then(({ item }) => item?.modRevision), { timeout: 300_000 }).toBe(3);
  await putBack();
  const lost = { kind: 'history-lost', message: "etcd's revision went back from 3 to 1" };
  await expect(watched).rejects.toMatchObject(lost);
  await expect(storage.get('/b')).rejects.toMatchObject(lost);
  await expect(put(storage, '/c')).rejects.toMatchObject(lost);
  await expect(keysUntil(storage, '/c')).rejects.toMatchObject(lost);
});

test('where no etcd is, opening fails in one line that says where and why', async () => {
  const etcd = await startEtcd();
  await etcd.stop();
  const opening = EtcdStorage.open({ endpoints: etcd.endpoints, clock, random });
  await expect(opening).rejects.toThrow(`etcd does not answer at ${etcd.endpoints[0]}: `);
  await expect(opening).rejects.toThrow('ECONNREFUSED');
  await expect(EtcdStorage.open({ endpoints: [], clock, random })).rejects.toThrow('there must be an endpoint of etcd');
  await expect(EtcdStorage.open({ endpoints: ['ftp://x'], clock, random })).rejects.toThrow('is no endpoint of etcd');
});

test('a value that etcd does not take is refused as such, and the next one is written', async () => {
  const storage = await open(await start());
  for (const bytes of [1_700_000, 3_000_000]) {
    await expect(put(storage, '/a', 'x'.repeat(bytes))).rejects.toMatchObject({
      kind: 'too-large',
      message: 'etcdserver: request is too large',
    });
  }
  expect((await put(storage, '/a', 'x')).succeeded).toBe(true);
});

test('values are sealed in the bytes that kube-apiserver writes, and what it wrote is read', async () => {
  const etcd = await start();
  const bytes = await EtcdStorage.open({ endpoints: etcd.endpoints, clock, random, hasByteValues: true });
  toEnd.push(() => bytes.close());
  const providers = [{ aesgcm: { keys: [{ name: 'k', secret: Buffer.alloc(32, 5).toString('base64') }] } }];
  const resources = [{ resources: ['secrets'], providers }];
  const file = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources };
  const transformers = loadTransformers(file, { path: '', random, reload: false, kms: () => identity });
  const storage = new EncryptedStorage({ storage: bytes, form: byteForm, transformers });
  const [secret, config] = ['/registry/core/secrets/ns/a', '/registry/core/configmaps/ns/a'];
  // By kube-apiserver 1.36.4, with this key, for this key of etcd.
  const sealed = 'azhzOmVuYzphZXNnY206djE6azrn4it+ZKRugMa0uoPEK0+N9uq0/gpVgJESpqTGbeqQSb5MPQ==';
  await put(bytes, secret, Buffer.from(sealed, 'base64').toString('latin1'));
  expect((await storage.get(secret)).item?.value).toBe('{"a":1}');
  const text = '{"a":"grün 漢"}';
  await put(storage, secret, text);
  await put(storage, config, text);
  const stored = (await bytes.range({ prefix: '/registry/' })).items.map(({ value }) => Buffer.from(value, 'latin1'));
  expect(String(stored[0])).toBe(text);
  const prefix = 'k8s:enc:aesgcm:v1:k:';
  expect(stored[1]?.toString('latin1').startsWith(prefix)).toBe(true);
  // Nonce and tag are all that is added.
  expect(stored[1]?.length).toBe(prefix.length + 12 + Buffer.byteLength(text) + 16);
  const seen: (string | undefined)[] = [];
  await keysUntil(storage, config, ({ current }) => seen.push(current?.value));
  expect(seen).toEqual(['{"a":1}', text, text]);
});
