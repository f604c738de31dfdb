import { expect, test } from 'vitest';
import type { KubeList, KubeObject } from '../apimachinery/object.ts';
import { settle } from '../client/fake/settle.ts';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { EventExpiry } from './event-expiry.ts';
import { startTestServer, type TestServer } from './fake/test-server.ts';
import { WatchCache } from './watch-cache/watch-cache.ts';

const events = '/api/v1/namespaces/n/events';
const minute = 60_000;

async function pass({ clock }: TestServer, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += minute) {
    await settle();
    clock.advance(minute);
  }
  await settle();
}

const names = async ({ send }: TestServer) =>
  (await send<KubeList<KubeObject>>('GET', events)).body.items.map(({ metadata }) => metadata.name);

const make = ({ send }: TestServer, name: string) =>
  send('POST', events, { metadata: { name }, involvedObject: { namespace: 'n' }, reason: 'R' });

test('events go an hour after their last write, also those of a run before', async () => {
  const storage = new MemoryStorage();
  const first = await startTestServer({ storage });
  await first.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await make(first, 'written-again');
  await make(first, 'old');
  await pass(first, 40 * minute);
  await first.send('PATCH', `${events}/written-again`, { count: 2 }, 'application/merge-patch+json');
  await make(first, 'young');
  await pass(first, 21 * minute);
  expect(await names(first)).toEqual(['written-again', 'young']);
  first.stop();

  const second = await startTestServer({ storage, clock: first.clock });
  await pass(second, 41 * minute);
  expect(await names(second)).toEqual([]);
  second.stop();
});

test('a time that is set by a day neither ends events nor keeps them', async () => {
  const server = await startTestServer({});
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await make(server, 'e');
  server.clock.step(86_400_000);
  await pass(server, 40 * minute);
  expect(await names(server)).toEqual(['e']);
  server.clock.step(-2 * 86_400_000);
  await pass(server, 21 * minute);
  expect(await names(server)).toEqual([]);
  server.stop();
});

test('an event that somebody spoilt in storage keeps no other from going', async () => {
  const [storage, clock, errors] = [new MemoryStorage(), new FakeClock(), [] as unknown[]];
  const cache = new WatchCache(storage, clock, { isStorageShared: true });
  const put = (name: string, value: string) =>
    storage.transact({ compare: [], operations: [{ type: 'put', key: `/registry/core/events/n/${name}`, value }] });
  const left = async () =>
    (await storage.range({ prefix: '/registry/' })).items.map(({ key }) => key.split('/').at(-1));
  const event = (name: string) => `{"kind":"Event","apiVersion":"v1","metadata":{"name":"${name}","namespace":"n"}}`;
  await cache.load();
  const stop = new AbortController();
  const { signal } = stop;
  const expiry = new EventExpiry({ storage, cache, clock, eventTtl: minute, onError: (error) => errors.push(error) });
  const running = [cache.run(signal), expiry.run(signal)];
  await put('spoilt', event('spoilt'));
  await put('other', event('other'));
  await put('spoilt', 'no JSON');
  await settle();
  for (let i = 0; i < 3; i++) {
    clock.advance(minute);
    await settle();
  }
  expect(errors).toEqual([]);
  expect(await left()).toEqual(['spoilt']);
  stop.abort();
  await Promise.all(running);
});
