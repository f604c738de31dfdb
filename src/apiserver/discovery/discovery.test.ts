import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeProtobuf } from '../../api/protobuf/decode.ts';
import { exchange } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

let api: TestServer;

beforeAll(async () => {
  api = await startTestServer();
});

afterAll(() => api.stop());

const get = (url: string, headers: Record<string, string> = {}) => exchange(api.server, { url, headers });

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly storageVersionHash?: string }[];
}

async function hashOf(groupVersion: string, resource: string): Promise<string | undefined> {
  const { resources } = (await get(groupVersion)).json<ResourceList>();
  return resources.find(({ name }) => name === resource)!.storageVersionHash;
}

test('resources have the hashes of the versions they are stored in, as every other API server has', async () => {
  expect(await hashOf('/api/v1', 'pods')).toBe('xPOwRZ+Yhw8=');
  expect(await hashOf('/api/v1', 'services')).toBe('0/CO1lhkEBI=');
  expect(await hashOf('/api/v1', 'events')).toBe('r2yiGXH7wu8=');
  expect(await hashOf('/apis/events.k8s.io/v1', 'events')).toBe('r2yiGXH7wu8=');
  expect(await hashOf('/apis/autoscaling/v1', 'horizontalpodautoscalers')).toBe('qwQve8ut294=');
  expect(await hashOf('/apis/apps/v1', 'deployments')).toBe('8aSe+NMegvE=');
  expect(await hashOf('/apis/apps/v1', 'deployments/scale')).toBeUndefined();
  expect(await hashOf('/api/v1', 'bindings')).toBeUndefined();
});

const form = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

test.each([
  [`${form('v2')},${form('v2beta1')},application/json`, 'apidiscovery.k8s.io/v2'],
  [`${form('v2beta1')},application/json`, 'apidiscovery.k8s.io/v2beta1'],
  [`${form('v3')},${form('v2')}`, 'apidiscovery.k8s.io/v2'],
  [`${form('v2')};profile=nopeer,application/json`, 'apidiscovery.k8s.io/v2'],
  [`application/json,${form('v2')};q=0.5`, 'v1'],
  [`${form('v3')},application/json`, 'v1'],
  ['application/json', 'v1'],
])('%s is answered with %s', async (accept, apiVersion) => {
  const answer = await get('/apis', { accept });
  expect(answer.json().apiVersion).toBe(apiVersion);
});

test('aggregated: groups in the same order as plain, and nothing again that the client has', async () => {
  const accept = form('v2');
  const answer = await get('/apis', { accept });
  const { items } = answer.json<{ items: { metadata: { name: string } }[] }>();
  const { groups } = (await get('/apis')).json<{ groups: { name: string }[] }>();
  expect(items.map(({ metadata }) => metadata.name)).toEqual(groups.map(({ name }) => name));
  const etag = String(answer.headers.etag);
  const again = await get('/apis', { accept, 'if-none-match': etag });
  expect([again.status, again.text]).toEqual([304, '']);
  const core = (await get('/api', { accept })).json<{
    items: { versions: { resources: Record<string, unknown>[] }[] }[];
  }>();
  const pods = core.items[0]!.versions[0]!.resources.find(({ resource }) => resource === 'pods')!;
  expect(pods).toMatchObject({
    responseKind: { group: '', version: 'v1', kind: 'Pod' },
    scope: 'Namespaced',
    singularResource: 'pod',
    shortNames: ['po'],
    categories: ['all'],
  });
  expect(pods.subresources).toContainEqual({
    subresource: 'eviction',
    responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
    verbs: ['create'],
  });
});

const only =
  'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
const available =
  '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf';

test.each([
  [
    '/apis/apps',
    'application/yaml',
    'application/yaml',
    'apiVersion: v1\nkind: APIGroup\nname: apps\npreferredVersion:\n',
  ],
  ['/apis/apps', 'application/json;q=0.1,application/yaml', 'application/yaml', 'apiVersion: v1\n'],
  ['/apis/apps', 'application/*', 'application/json', '{"kind":"APIGroup"'],
  ['/apis/apps', 'text/plain', 'application/json', only],
  ['/apis', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json', only],
  ['/api/v1', 'application/yaml', 'application/yaml', 'groupVersion: v1\nkind: APIResourceList\nresources:\n'],
  ['/api/v1', 'application/cbor', 'application/json', available],
  ['/apis/apps/v1', 'application/*', 'application/json', available],
  ['/apis/apps/v1', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json', only],
  ['/api/v1', 'application/json;pretty=1', 'application/json', '{\n  "kind": "APIResourceList"'],
])('%s as %s', async (path, accept, type, start) => {
  const answer = await get(path, { accept });
  const { 'content-type': got } = answer.headers;
  const text = answer.status === 406 ? answer.json<{ message: string }>().message : answer.text.slice(0, start.length);
  expect([got, text]).toEqual([type, start]);
});

test('in protocol buffers', async () => {
  const accept = 'application/vnd.kubernetes.protobuf';
  const bytes = (await get('/apis/policy', { accept })).bytes;
  const policy = { groupVersion: 'policy/v1', version: 'v1' };
  expect(decodeProtobuf(bytes)).toEqual({
    apiVersion: 'v1',
    kind: 'APIGroup',
    value: { name: 'policy', versions: [policy], preferredVersion: policy },
  });
});
