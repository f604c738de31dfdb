// Garbage collection on a server whose custom kinds come, change their version and go.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startTestServer, type TestServer } from '../src/apiserver/fake/test-server.ts';
import { settle } from '../src/client/fake/settle.ts';
import { createInformers } from '../src/client/informers.ts';
import { createClient } from '../src/client/rest-client.ts';
import { InProcessTransport } from '../src/cluster/in-process-transport.ts';
import { testConfig } from '../src/controllers/harness/start.ts';
import { runControllers } from '../src/controllers/run.ts';
import { FakeRandom } from '../src/system/fake/random.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const configMaps = '/api/v1/namespaces/n/configmaps';
const rediscovery = 30_000;

let server: TestServer;
let stop: AbortController;
let running: Promise<unknown>;
const asked: string[] = [];

beforeEach(async () => {
  asked.length = 0;
  server = await startTestServer();
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  stop = new AbortController();
  const { clock } = server;
  const random = new FakeRandom();
  const transport = new InProcessTransport(server.server, { name: 'gc', groups: ['system:masters'] });
  const client = createClient({
    request(request) {
      asked.push(request.path);
      return transport.request(request);
    },
  });
  const informers = createInformers(client, { clock, random });
  const { signal } = stop;
  const names = ['garbage-collector-controller'];
  const controllers = runControllers({ client, informers, clock, random, config: testConfig, names, signal });
  running = Promise.all([informers.run(signal), controllers]);
});

afterEach(async () => {
  stop.abort();
  await running;
  server.stop();
});

const version = (name: string, more: object = {}) => ({
  name,
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object' } },
  ...more,
});
const spec = (versions: readonly object[]) => ({
  group: 'example.com',
  scope: 'Namespaced',
  names: { plural: 'widgets', kind: 'Widget' },
  versions,
});

async function served(path: string, status = 200): Promise<void> {
  await vi.waitFor(async () => expect((await server.server.handle(get(path))).status).toBe(status), {
    timeout: 100_000,
  });
}
const get = (path: string) => ({
  method: 'GET',
  path,
  query: new URLSearchParams(),
  headers: {},
  body: async () => Buffer.alloc(0),
  signal: new AbortController().signal,
});

const owned = (name: string, owner: object) =>
  server.send('POST', configMaps, { metadata: { name, ownerReferences: [owner] } });
const status = async (name: string) => (await server.send('GET', `${configMaps}/${name}`)).status;
const gone = (name: string) => vi.waitFor(async () => expect(await status(name)).toBe(404), { timeout: 100_000 });
const watched = (path: string) => asked.filter((one) => one.startsWith(`${path}?`)).length;
/** The collector looks for kinds again until it watches that one. */
const follows = (path: string) =>
  vi.waitFor(
    () => {
      server.clock.advance(rediscovery);
      expect(watched(path)).toBeGreaterThan(0);
    },
    { timeout: 100_000 },
  );

test('what an object owns stays when its kind moves to another version, and goes with the object', async () => {
  await server.send('POST', definitions, { metadata: { name: 'widgets.example.com' }, spec: spec([version('v1')]) });
  await served('/apis/example.com/v1');
  await follows('/apis/example.com/v1/widgets');

  const moved = [version('v1', { storage: false, served: false }), version('v2')];
  const merge = 'application/merge-patch+json';
  await server.send('PATCH', `${definitions}/widgets.example.com`, { spec: { versions: moved } }, merge);
  await served('/apis/example.com/v2');
  await served('/apis/example.com/v1', 404);
  const widgets = '/apis/example.com/v2/namespaces/n/widgets';
  const made = { apiVersion: 'example.com/v2', kind: 'Widget', metadata: { name: 'w' } };
  const { uid } = (await server.send('POST', widgets, made)).body.metadata;
  await owned('kept', { apiVersion: 'example.com/v2', kind: 'Widget', name: 'w', uid });
  // Looked at after the other.
  await owned('orphan', { apiVersion: 'v1', kind: 'ConfigMap', name: 'none', uid: 'none' });
  await gone('orphan');
  expect(await status('kept')).toBe(200);

  await follows('/apis/example.com/v2/widgets');
  await server.send('DELETE', `${widgets}/w`);
  await gone('kept');
});

test('a kind that has gone is asked for no more', async () => {
  await server.send('POST', definitions, { metadata: { name: 'widgets.example.com' }, spec: spec([version('v1')]) });
  await served('/apis/example.com/v1');
  await follows('/apis/example.com/v1/widgets');
  await server.send('DELETE', `${definitions}/widgets.example.com`);
  await served('/apis/example.com/v1', 404);

  await vi.waitFor(
    async () => {
      const before = watched('/apis/example.com/v1/widgets');
      server.clock.advance(rediscovery);
      await settle();
      expect(watched('/apis/example.com/v1/widgets')).toBe(before);
      const rounds = asked.filter((path) => path === '/apis').length;
      expect(rounds).toBeGreaterThan(3);
    },
    { timeout: 100_000 },
  );
});

test('kinds that a group serves in another version than it prefers are collected too', async () => {
  await server.send('POST', definitions, { metadata: { name: 'widgets.example.com' }, spec: spec([version('v1')]) });
  const names = { plural: 'gadgets', kind: 'Gadget' };
  const gadgets = { ...spec([version('v1beta1')]), names };
  await server.send('POST', definitions, { metadata: { name: 'gadgets.example.com' }, spec: gadgets });
  await served('/apis/example.com/v1beta1');
  await served('/apis/example.com/v1');
  await follows('/apis/example.com/v1beta1/gadgets');
});
