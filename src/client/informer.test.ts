import { expect, test } from 'vitest';
import type { ConfigMap } from '../api/core/v1/types.generated.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { expired, StatusError } from '../apimachinery/status.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { FakeApi } from './fake/fake-api.ts';
import { settle } from './fake/settle.ts';
import { createInformers } from './informers.ts';
import { configMaps, secrets } from './resources.ts';
import type { Client, Follower, InformerScope, ListOptions, ResourceClient } from './types.ts';

function configMap(name: string, value = ''): ConfigMap {
  return { metadata: { name, namespace: 'default' }, data: { value } };
}

function start() {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const api = new FakeApi({ clock, random });
  const informers = createInformers(api, { clock, random, freeze: true });
  const informer = informers.informer<ConfigMap>(configMaps);
  const seen: string[] = [];
  informer.addHandler({
    added: (o) => seen.push(`added ${o.metadata.name}=${o.data?.value}`),
    updated: (o, old) => seen.push(`updated ${o.metadata.name} ${old.data?.value}=>${o.data?.value}`),
    deleted: (o) => seen.push(`deleted ${o.metadata.name}`),
    synced: () => seen.push('synced'),
  });
  const stop = new AbortController();
  return { clock, api, client: api.resource<ConfigMap>(configMaps), informers, informer, seen, stop };
}

test('delivers the list, then each change, in order', async () => {
  const { client, informers, informer, seen, stop } = start();
  await client.create(configMap('a', '1'));
  const running = informers.run(stop.signal);
  await informer.synced();
  await settle();
  await client.create(configMap('b', '2'));
  await client.update(configMap('a', '3'));
  await client.delete('b', 'default');
  await settle();
  expect(seen).toEqual(['added a=1', 'synced', 'added b=2', 'updated a 1=>3', 'deleted b']);
  expect(informer.lister.list('default').map((o) => o.metadata.name)).toEqual(['a']);
  expect(Object.isFrozen(informer.lister.get('a', 'default')?.data)).toBe(true);
  stop.abort();
  await running;
});

test('goes on after a lost watch without listing, and after 410 tells only what differs', async () => {
  const { clock, api, client, informers, informer, seen, stop } = start();
  await client.create(configMap('a', '1'));
  await client.create(configMap('b', '1'));
  const running = informers.run(stop.signal);
  await informer.synced();
  await settle();
  seen.length = 0;

  api.hub.breakWatches();
  await client.update(configMap('a', '2'));
  clock.advance(20_000);
  await settle();
  expect(seen).toEqual(['updated a 1=>2']);

  seen.length = 0;
  api.hub.breakWatches();
  await settle();
  await client.delete('b', 'default');
  await client.create(configMap('c', '1'));
  api.hub.compact();
  clock.advance(20_000);
  await settle();
  expect(seen).toEqual(['deleted b', 'added c=1']);
  stop.abort();
  await running;
});

test('an object that was deleted and made again is told as both', async () => {
  const { clock, api, client, informers, informer, seen, stop } = start();
  await client.create(configMap('a', '1'));
  const running = informers.run(stop.signal);
  await informer.synced();
  await settle();
  seen.length = 0;
  api.hub.breakWatches();
  await settle();
  await client.delete('a', 'default');
  await client.create(configMap('a', '2'));
  api.hub.compact();
  clock.advance(20_000);
  await settle();
  expect(seen).toEqual(['deleted a', 'added a=2']);
  stop.abort();
  await running;
});

test('a follower is told of all again after 410, and of what went before that by its absence', async () => {
  const { clock, api, client, informers, stop } = start();
  const seen: string[] = [];
  const follower = (name: string): Follower => ({
    listing: () => seen.push(`${name} listing`),
    seen: ({ metadata }) => seen.push(`${name} ${metadata.name}`),
    gone: ({ metadata }) => seen.push(`${name} gone ${metadata.name}`),
    listed: () => seen.push(`${name} listed`),
  });
  for (const name of ['a', 'b']) await api.resource(secrets).create({ metadata: { name, namespace: 'default' } });
  await client.create(configMap('m', '1'));
  expect(informers.follow(secrets, follower('secret')).lister).toBeUndefined();
  const shared = informers.follow(configMaps, follower('map'));
  const running = informers.run(stop.signal);
  await shared.synced();
  await settle();
  expect(shared.lister?.get('m', 'default')).toBeDefined();
  const all = 'secret listing,secret a,secret b,secret listed';
  expect(seen.join()).toBe(`map listing,map m,map listed,${all}`);

  seen.length = 0;
  await api.resource(secrets).delete('a', 'default');
  await client.delete('m', 'default');
  await settle();
  expect(seen).toEqual(['secret gone a', 'map gone m']);

  seen.length = 0;
  api.hub.breakWatches();
  await settle();
  await api.resource(secrets).delete('b', 'default');
  await api.resource(secrets).create({ metadata: { name: 'c', namespace: 'default' } });
  api.hub.compact();
  clock.advance(20_000);
  await settle();
  expect(seen).toEqual(['secret listing', 'secret c', 'secret listed']);

  informers.forget(secrets);
  await api.resource(secrets).delete('c', 'default');
  await settle();
  expect(seen).toHaveLength(3);
  stop.abort();
  await running;
});

test('who follows what is followed already is told of what is there as of nothing new', async () => {
  const { client, informers, informer, stop } = start();
  await client.create(configMap('a', '1'));
  const running = informers.run(stop.signal);
  await informer.synced();
  const seen: unknown[] = [];
  informers.follow(configMaps, {
    listing: () => seen.push('listing'),
    seen: ({ metadata }, isNew) => seen.push([metadata.name, isNew]),
    gone: () => {},
    listed: () => seen.push('listed'),
  });
  await settle();
  await client.create(configMap('b', '1'));
  await client.update(configMap('b', '2'));
  await settle();
  expect(seen).toEqual(['listing', ['a', false], 'listed', ['b', true], ['b', false]]);
  stop.abort();
  await running;
});

test('a late handler is given what is there', async () => {
  const { client, informers, informer, stop } = start();
  await client.create(configMap('a', '1'));
  const running = informers.run(stop.signal);
  await informer.synced();
  const late: string[] = [];
  informer.addHandler({ added: (o) => late.push(o.metadata.name), synced: () => late.push('synced') });
  expect(late).toEqual(['a', 'synced']);
  stop.abort();
  await running;
});

test('synced rejects when its signal aborts first', async () => {
  const { informer } = start();
  const impatient = new AbortController();
  const waiting = informer.synced(impatient.signal);
  impatient.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('lists by pages, and keeps of each object what it is told to', async () => {
  const { clock, api } = start();
  const random = new FakeRandom();
  for (const name of ['a', 'b', 'c']) await api.resource<ConfigMap>(configMaps).create(configMap(name, 'long'));
  const asked: unknown[] = [];
  const client: Client = {
    ...api,
    raw: (request) => api.raw(request),
    resource<T extends KubeObject>(resource: GroupVersionResource) {
      const all = api.resource<T>(resource);
      const list = async (options: ListOptions = {}) => {
        asked.push([options.limit, options.continue]);
        const { items, metadata } = await all.list();
        const from = Number(options.continue ?? 0);
        const to = from + (options.limit ?? items.length);
        return {
          metadata: { ...metadata, ...(to < items.length && { continue: String(to) }) },
          items: items.slice(from, to),
        };
      };
      return Object.assign(Object.create(all), { list, watch: all.watch.bind(all) }) as ResourceClient<T>;
    },
  };
  const keep = ({ metadata: { name, namespace = '', uid = '', resourceVersion = '' } }: Readonly<KubeObject>) => ({
    metadata: { name, namespace, uid, resourceVersion },
  });
  const informers = createInformers(client, { clock, random, keep, pageSize: 2 });
  const informer = informers.informer<ConfigMap>(configMaps);
  const seen: string[] = [];
  informer.addHandler({
    added: (o) => seen.push(`${o.metadata.name}=${o.data?.value}`),
    synced: () => seen.push('synced'),
  });
  const stop = new AbortController();
  const running = informers.run(stop.signal);
  await informer.synced();
  expect(seen).toEqual(['a=long', 'b=long', 'c=long', 'synced']);
  expect(asked).toEqual([
    [2, undefined],
    [2, '2'],
  ]);
  expect(informer.lister.get('a', 'default')).toEqual({ metadata: expect.objectContaining({ name: 'a' }) });
  stop.abort();
  await running;
});

/** An API that refuses each list as long as `refuse` says how. */
function startRefused(refuse: (options: ListOptions) => StatusError | undefined, scope: InformerScope = {}) {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const api = new FakeApi({ clock, random });
  const client: Client = {
    raw: (request) => api.raw(request),
    resource<T extends KubeObject>(resource: GroupVersionResource) {
      const all = api.resource<T>(resource);
      const list = async (options: ListOptions = {}) => {
        const refusal = refuse(options);
        if (refusal) throw refusal;
        return all.list(options);
      };
      return Object.assign(Object.create(all), { list, watch: all.watch.bind(all) }) as ResourceClient<T>;
    },
  };
  const told: string[] = [];
  const onError = (error: unknown, what: string) => told.push(`${what}: ${(error as Error).message}`);
  const informers = createInformers(client, { clock, random, onError });
  const informer = informers.informer<ConfigMap>(configMaps, scope);
  const stop = new AbortController();
  const running = informers.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { clock, api, informer, told, end };
}

test('that the server has no such resource is told once, and again after it had it', async () => {
  let isMissing = true;
  const message = 'the server could not find the requested resource';
  const missing = new StatusError({ code: 404, reason: 'NotFound', message });
  const { clock, api, informer, told, end } = startRefused(() => (isMissing ? missing : undefined));
  const pass = async () => {
    await settle();
    clock.advance(20_000);
    await settle();
  };
  const words = 'list and watch of configmaps: the API server does not serve configmaps of v1';
  await pass();
  await pass();
  expect(told).toEqual([words]);
  isMissing = false;
  await pass();
  expect(informer.hasSynced).toBe(true);
  isMissing = true;
  api.hub.breakWatches();
  await settle();
  await api.resource<ConfigMap>(configMaps).create(configMap('a'));
  api.hub.compact();
  await pass();
  expect(told).toEqual([words, words]);
  await end();
});

test('a server that does not know an optional field selector is asked for all', async () => {
  const unknown = new StatusError({ code: 400, reason: 'BadRequest', message: 'not a known field selector' });
  const refuse = ({ fieldSelector }: ListOptions) => (fieldSelector === undefined ? undefined : unknown);
  const scope = { fieldSelector: 'data.value!=a' };
  const optional = startRefused(refuse, { ...scope, isFieldSelectorOptional: true });
  await settle();
  expect([optional.informer.hasSynced, optional.told]).toEqual([true, []]);
  await optional.end();
  const required = startRefused(refuse, scope);
  await settle();
  expect([required.informer.hasSynced, required.told.length]).toEqual([false, 1]);
  await required.end();
});

test('a server that lists, and knows nothing of what it listed when it is watched, is not hammered', async () => {
  const { clock, api, informers, stop } = start();
  let lists = 0;
  const real = api.resource.bind(api);
  const reads: Pick<ResourceClient<KubeObject>, 'list' | 'watch'> = {
    async list() {
      lists += 1;
      await new Promise<void>((resolve) => setImmediate(resolve));
      return { metadata: { resourceVersion: '1' }, items: [] };
    },
    // biome-ignore lint/correctness/useYield: it never comes to that
    async *watch() {
      throw expired('too old resource version: 1 (2)');
    },
  };
  api.resource = (resource) => Object.assign(real(resource), reads) as never;
  const other = informers.informer<ConfigMap>(configMaps, { namespace: 'default' });
  const running = informers.run(stop.signal);
  await other.synced();
  await settle();
  expect(lists).toBe(1);
  clock.advance(200);
  await settle();
  expect(lists).toBe(2);
  stop.abort();
  await running;
});

test('a list that is never answered is given up with the signal', async () => {
  const { api, informers, stop } = start();
  const real = api.resource.bind(api);
  const list: ResourceClient<KubeObject>['list'] = ({ signal } = {}) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  api.resource = (resource) => Object.assign(real(resource), { list }) as never;
  informers.informer<ConfigMap>(configMaps, { namespace: 'default' });
  const running = informers.run(stop.signal);
  await settle();
  stop.abort();
  await running;
});
