import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtinResources } from '../api/registry.ts';
import { builtinSchemas } from '../api/schema.ts';
import type { KubeList, KubeObject } from '../apimachinery/object.ts';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { ApiServer } from './api-server.ts';
import { type ApiRequest, type ByteSink, isPushed } from './request.ts';
import { versionInfo } from './version.ts';
import { WatchCache } from './watch-cache/watch-cache.ts';

type Json = Record<string, unknown>;
interface Answer<T = KubeObject & Json> {
  readonly status: number;
  readonly body: T;
}

const configMaps = '/api/v1/namespaces/n/configmaps';
const stop = { current: new AbortController() };
let server: ApiServer;
let storage: MemoryStorage;

beforeEach(async () => {
  stop.current = new AbortController();
  storage = new MemoryStorage();
  await storage.transact({ compare: [], operations: [{ type: 'put', key: '/portico/store-format', value: '1' }] });
  const clock = new FakeClock();
  const cache = new WatchCache(storage, clock);
  server = new ApiServer({
    storage,
    cache,
    definitions: builtinResources(),
    schemas: builtinSchemas(),
    authenticator: { authenticate: async () => ({ name: 'test', groups: ['system:masters'] }) },
    authorizer: { authorize: () => ({ allowed: true }) },
    extensions: { connect: {}, virtual: {}, paths: [] },
    hooks: {},
    healthChecks: [],
    version: versionInfo('0.0.0', { arch: 'x64', node: '26' }),
    address: 'localhost:6443',
    clock,
    random: new FakeRandom(),
    onError: (error) => {
      throw error;
    },
  });
  await server.load();
  void server.run(stop.current.signal);
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
});

afterEach(() => stop.current.abort());

function requestOf(
  method: string,
  url: string,
  given: { body?: unknown; type?: string; signal?: AbortSignal } = {},
): ApiRequest {
  const [path = '', query = ''] = url.split('?', 2);
  const bytes = given.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(given.body));
  return {
    method,
    path,
    query: new URLSearchParams(query),
    headers: { 'content-type': given.type ?? 'application/json', 'content-length': String(bytes.length) },
    body: async () => bytes,
    signal: given.signal ?? stop.current.signal,
  };
}

async function send<T = KubeObject & Json>(
  method: string,
  url: string,
  body?: unknown,
  type?: string,
): Promise<Answer<T>> {
  const response = await server.handle(requestOf(method, url, { body, ...(type && { type }) }));
  const chunks: Buffer[] = [];
  if (typeof response.body === 'string' || response.body instanceof Uint8Array) chunks.push(Buffer.from(response.body));
  else if (Symbol.asyncIterator in response.body)
    for await (const chunk of response.body) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString();
  return { status: response.status, body: JSON.parse(text) as T };
}

function configMap(name: string, labels: Record<string, string> = {}, data: Record<string, string> = {}): Json {
  return { metadata: { name, labels }, data };
}

interface Event {
  readonly type: string;
  readonly object: { readonly metadata?: { readonly name?: string }; readonly code?: number; readonly data?: Json };
}

/** Opens a watch; `next` resolves with the next event. */
async function watch(url: string) {
  const gone = new AbortController();
  const { body } = await server.handle(requestOf('GET', url, { signal: gone.signal }));
  if (!isPushed(body)) throw new Error('no watch');
  const chunks: (string | Uint8Array)[] = [];
  let arrived = Promise.withResolvers<void>();
  const sink: ByteSink = {
    buffered: 0,
    drained: async () => {},
    write(chunk) {
      chunks.push(chunk);
      arrived.resolve();
      return true;
    },
  };
  const done = body.pushTo(sink);
  return {
    chunks,
    done,
    end: () => gone.abort(),
    async next(): Promise<Event> {
      while (chunks.length === 0) {
        await arrived.promise;
        arrived = Promise.withResolvers();
      }
      return JSON.parse(Buffer.from(chunks.shift()!).toString()) as Event;
    },
  };
}

const brief = ({ type, object }: Event) => `${type} ${object.metadata?.name}`;

describe('writes', () => {
  test('a write that changes nothing keeps the resourceVersion', async () => {
    const created = await send('POST', configMaps, configMap('a', {}, { k: 'v' }));
    const again = await send('PUT', `${configMaps}/a`, configMap('a', {}, { k: 'v' }));
    expect(again.body.metadata.resourceVersion).toBe(created.body.metadata.resourceVersion);
    const changed = await send('PUT', `${configMaps}/a`, configMap('a', {}, { k: 'w' }));
    expect(Number(changed.body.metadata.resourceVersion)).toBeGreaterThan(
      Number(created.body.metadata.resourceVersion),
    );
  });

  test('patches that meet are all applied; updates of a stale version are refused', async () => {
    const { body } = await send('POST', configMaps, configMap('a'));
    const merge = 'application/merge-patch+json';
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    const answers = await Promise.all(keys.map((k) => send('PATCH', `${configMaps}/a`, { data: { [k]: 'v' } }, merge)));
    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    const { body: after } = await send('GET', `${configMaps}/a`);
    expect(Object.keys(after.data as Json).sort()).toEqual(keys.sort());
    const stale = { ...configMap('a'), metadata: { name: 'a', resourceVersion: body.metadata.resourceVersion } };
    expect(await send('PUT', `${configMaps}/a`, stale)).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
  });

  test('a dry run answers as if and changes nothing', async () => {
    expect(await send('POST', `${configMaps}?dryRun=All`, configMap('a'))).toMatchObject({ status: 201 });
    expect(await send('GET', `${configMaps}/a`)).toMatchObject({ status: 404 });
  });

  test('generateName makes names that differ', async () => {
    const names = await Promise.all(
      [1, 2, 3].map(
        async () => (await send('POST', configMaps, { metadata: { generateName: 'g-' } })).body.metadata.name,
      ),
    );
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  test('taking the last finalizer of an object that is being deleted removes it', async () => {
    await send('POST', configMaps, { metadata: { name: 'a', finalizers: ['example.com/hold'] } });
    const held = await send('DELETE', `${configMaps}/a`);
    expect(held.body.metadata.deletionTimestamp).toBeDefined();
    await send('PATCH', `${configMaps}/a`, { metadata: { finalizers: null } }, 'application/merge-patch+json');
    expect(await send('GET', `${configMaps}/a`)).toMatchObject({ status: 404 });
  });

  test('nothing is made in a namespace that is going', async () => {
    await send('DELETE', '/api/v1/namespaces/n');
    expect(await send('POST', configMaps, configMap('a'))).toMatchObject({
      status: 403,
      body: { details: { causes: [{ reason: 'NamespaceTerminating' }] } },
    });
  });
});

describe('lists', () => {
  test('pages show one revision, whatever is written meanwhile', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await send('POST', configMaps, configMap(name));
    const first = await send<KubeList<KubeObject>>('GET', `${configMaps}?limit=2`);
    expect(first.body.metadata.remainingItemCount).toBe(2);
    await send('DELETE', `${configMaps}/c`);
    await send('POST', configMaps, configMap('bb'));
    const token = first.body.metadata.continue!;
    const second = await send<KubeList<KubeObject>>('GET', `${configMaps}?limit=2&continue=${token}`);
    expect(second.body.items.map(({ metadata }) => metadata.name)).toEqual(['c', 'd']);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    expect(second.body.metadata.continue).toBeUndefined();
  });

  test('a page whose revision was compacted away is 410', async () => {
    for (const name of ['a', 'b', 'c']) await send('POST', configMaps, configMap(name));
    const first = await send<KubeList<KubeObject>>('GET', `${configMaps}?limit=1`);
    await send('POST', configMaps, configMap('d'));
    await storage.compact(await storage.currentRevision());
    const next = await send('GET', `${configMaps}?limit=1&continue=${first.body.metadata.continue}`);
    expect(next).toMatchObject({ status: 410, body: { reason: 'Expired' } });
  });

  test('long lists come in pieces that make one document', async () => {
    await Promise.all(Array.from({ length: 600 }, (_, i) => send('POST', configMaps, configMap(`c${i}`))));
    const { body } = await send<KubeList<KubeObject>>('GET', configMaps);
    expect(body.items).toHaveLength(600);
  });
});

describe('watches', () => {
  test('present objects first, then changes, as a selector sees them', async () => {
    await send('POST', configMaps, configMap('a', { on: 'yes' }, { k: '1' }));
    const events = await watch(`${configMaps}?watch=1&labelSelector=on%3Dyes`);
    expect(brief(await events.next())).toBe('ADDED a');
    const merge = 'application/merge-patch+json';
    await send('PATCH', `${configMaps}/a`, { data: { k: '2' } }, merge);
    await send('PATCH', `${configMaps}/a`, { metadata: { labels: { on: 'no' } } }, merge);
    await send('PATCH', `${configMaps}/a`, { data: { k: '3' } }, merge);
    await send('PATCH', `${configMaps}/a`, { metadata: { labels: { on: 'yes' } } }, merge);
    await send('DELETE', `${configMaps}/a`);
    const seen = [await events.next(), await events.next(), await events.next(), await events.next()];
    expect(seen.map(brief)).toEqual(['MODIFIED a', 'DELETED a', 'ADDED a', 'DELETED a']);
    // Who leaves a selector is shown as it last matched.
    expect(seen[1]!.object.data).toEqual({ k: '2' });
    events.end();
    await events.done;
  });

  test('a watch resumes after a revision without gaps, and ends with 410 when that is forgotten', async () => {
    const first = await send('POST', configMaps, configMap('a'));
    await send('POST', configMaps, configMap('b'));
    const events = await watch(`${configMaps}?watch=1&resourceVersion=${first.body.metadata.resourceVersion}`);
    expect(brief(await events.next())).toBe('ADDED b');
    events.end();
    const old = await watch(`${configMaps}?watch=1&resourceVersion=1`);
    expect(await old.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    await old.done;
  });

  test('all watchers of a change are handed the same bytes', async () => {
    const watchers = await Promise.all([1, 2, 3].map(() => watch(`${configMaps}?watch=1`)));
    await send('POST', configMaps, configMap('a'));
    const frames = watchers.map(({ chunks }) => chunks[0]);
    expect(frames[0]).toBeInstanceOf(Uint8Array);
    expect(frames[1]).toBe(frames[0]);
    expect(frames[2]).toBe(frames[0]);
    for (const { end } of watchers) end();
  });

  test('sendInitialEvents ends the present state with a bookmark', async () => {
    await send('POST', configMaps, configMap('a'));
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const events = await watch(`${configMaps}?${query}`);
    expect(brief(await events.next())).toBe('ADDED a');
    expect(await events.next()).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    events.end();
  });
});

test('no request is answered with a 500', async () => {
  const paths = [
    '/api/v1/namespaces/n/configmaps/%',
    '/apis//',
    '/api/v1/namespaces//configmaps',
    `${configMaps}/a/b/c`,
  ];
  const bodies = [undefined, null, [], 'text', 1, {}, { metadata: null }, { metadata: [] }, { metadata: { name: 1 } }];
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'BREW']) {
    for (const path of [...paths, configMaps, `${configMaps}/a`]) {
      for (const body of bodies) {
        for (const type of ['application/json', 'application/merge-patch+json', 'application/apply-patch+yaml']) {
          const { status } = await server.handle(requestOf(method, `${path}?fieldManager=x`, { body, type }));
          expect(status, `${method} ${path} ${type} ${JSON.stringify(body)}`).toBeLessThan(500);
        }
      }
    }
  }
});
