import { expect, test } from 'vitest';
import { builtinResources } from '../api/registry.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { builtinServices } from '../apiserver/aggregation/local-services.ts';
import { startTestServer } from '../apiserver/fake/test-server.ts';
import { CacheObjectView } from '../apiserver/object-view.ts';
import { resourcePath } from '../client/rest-client.ts';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import { ensureBootstrapObjects, markStore } from './bootstrap-objects.ts';
import { InProcessTransport } from './in-process-transport.ts';

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

const services = builtinServices(builtinResources());
const user = { name: 'system:apiserver', groups: ['system:masters'] };

/** What is asked for, and the server that it is asked of. */
async function bootstrapped() {
  const { server, send, storage, stop } = await startTestServer();
  const asked: { readonly resource: GroupVersionResource; readonly object: KubeObject }[] = [];
  const access = {
    view: new CacheObjectView(server.cache),
    transport: new InProcessTransport(server, user),
    create(resource: GroupVersionResource, object: KubeObject) {
      asked.push({ resource, object });
      return server.createOwn({ resource, object, manager: 'portico' });
    },
  };
  const ensure = () => ensureBootstrapObjects(access, services);
  await ensure();
  return { asked, send, storage, stop, ensure };
}

test('what the server makes itself is what a POST would have made of it', async () => {
  const { asked, send, stop } = await bootstrapped();
  const other = await startTestServer();
  const transport = new InProcessTransport(other.server, user);
  const headers = { 'content-type': 'application/json' };
  expect(asked.length).toBeGreaterThan(100);
  for (const { resource, object } of asked) {
    const { name, namespace } = object.metadata;
    const body = JSON.stringify(object);
    await transport.request({ method: 'POST', path: resourcePath(resource, { namespace }), headers, body });
    const path = resourcePath(resource, { namespace, name });
    const [made, posted] = await Promise.all([send('GET', path), other.send('GET', path)]);
    expect(posted.status).toBe(200);
    // Both clocks stand still at one time; the rest is each server's own.
    for (const { body } of [made, posted]) {
      delete body.metadata.uid;
      delete body.metadata.resourceVersion;
    }
    expect(made.body).toEqual(posted.body);
  }
  stop();
  other.stop();
});

test('at the next start what is missing comes back, and nothing else is written', async () => {
  const { send, storage, stop, ensure } = await bootstrapped();
  const before = await storage.currentRevision();
  await ensure();
  expect(await storage.currentRevision()).toBe(before);
  const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node';
  expect((await send('DELETE', path)).status).toBe(200);
  await ensure();
  expect((await send('GET', path)).status).toBe(200);
  expect(await storage.currentRevision()).toBe(before + 2);
  stop();
});

test('an object that another server makes at the same moment is made once', async () => {
  const storage = new MemoryStorage();
  const servers = await Promise.all([startTestServer({ storage }), startTestServer({ storage })]);
  const before = await storage.currentRevision();
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } };
  const resource = { group: '', version: 'v1', resource: 'namespaces' };
  await Promise.all(servers.map(({ server }) => server.createOwn({ resource, object, manager: 'portico' })));
  expect(await storage.currentRevision()).toBe(before + 1);
  for (const { stop } of servers) stop();
});
