// What verbs do to custom resources otherwise than to built-in kinds.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { KubeList, KubeObject } from '../../apimachinery/object.ts';
import { exchange } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const merge = 'application/merge-patch+json';
const foos = '/apis/x.io/v1/namespaces/n/foos';
const definition = {
  metadata: { name: 'foos.x.io' },
  spec: {
    group: 'x.io',
    scope: 'Namespaced',
    names: { plural: 'foos', kind: 'Foo' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
      },
    ],
  },
};
const foo = (spec: object, metadata: object = {}) => ({
  apiVersion: 'x.io/v1',
  kind: 'Foo',
  metadata: { name: 'a', ...metadata },
  spec,
});

let api: TestServer;

beforeAll(async () => {
  api = await startTestServer();
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await api.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  await vi.waitFor(async () => expect((await api.send('GET', foos)).status).toBe(200), 60_000);
});

beforeEach(async () => {
  await api.send('DELETE', foos);
  expect((await api.send('POST', foos, foo({}))).status).toBe(201);
});

afterAll(() => api.stop());

test('a list of whole objects has a continue, be it an empty one; a Table has none', async () => {
  const { body } = await api.send<KubeList<KubeObject>>('GET', foos);
  expect(body.metadata.continue).toBe('');
  const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const table = (await exchange(api.server, { url: foos, headers })).json<KubeList<KubeObject>>();
  expect(table.metadata).not.toHaveProperty('continue');
});

test('metadata of a list is asked for where there is one object', async () => {
  const headers = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };
  const answer = await exchange(api.server, { url: `${foos}/a`, headers });
  expect(answer.json()).toMatchObject({ code: 406, message: expect.stringContaining('(*unstructured.Unstructured)') });
});

test.each([
  [
    'PUT',
    {},
    422,
    'foos.x.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
  ],
  ['POST', {}, 409, 'foos.x.io "a" already exists'],
])('%s of what is there, with %j, is %i', async (method, spec, code, message) => {
  const { body } = await api.send(method, method === 'PUT' ? `${foos}/a` : foos, foo(spec));
  expect(body).toMatchObject({ code, message, details: { name: 'a', group: 'x.io', kind: 'foos' } });
});

test('what is on its way out is in the way, and says so', async () => {
  await api.send('PATCH', `${foos}/a`, { metadata: { finalizers: ['x.io/hold'] } }, merge);
  await api.send('DELETE', `${foos}/a`);
  const { body } = await api.send('POST', foos, foo({}));
  expect(body).toMatchObject({ code: 409, message: 'object is being deleted: foos.x.io "a" already exists' });
  await api.send('PATCH', `${foos}/a`, { metadata: { finalizers: null } }, merge);
});

test('a HEAD is answered', async () => {
  expect((await exchange(api.server, { method: 'HEAD', url: `${foos}/a` })).status).toBe(200);
});

test.each([
  [{}, 400, 'the spec replicas field ".spec.replicas" cannot be empty'],
  [{ spec: { replicas: 'x' } }, 422, 'json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas'],
  [
    { spec: { replicas: -1 } },
    422,
    'Foo.x.io "a" is invalid: .spec.replicas: Invalid value: -1: should be a non-negative integer',
  ],
  [{ metadata: { name: 'b' } }, 400, 'the name of the object (b) does not match the name on the URL (a)'],
  [
    { metadata: { resourceVersion: 'x' }, spec: { replicas: 1 } },
    400,
    'strconv.ParseUint: parsing "x": invalid syntax',
  ],
])('a patch of its scale by %j is %i', async (patch, code, message) => {
  const { body } = await api.send('PATCH', `${foos}/a/scale`, patch, merge);
  expect(body).toMatchObject({ code, message: expect.stringContaining(message) });
});

test('a scale that is null is zero, and its Table has an age', async () => {
  const patched = await api.send('PATCH', `${foos}/a/scale`, { spec: null }, merge);
  expect(patched.body).toMatchObject({ kind: 'Scale', spec: {} });
  expect((await api.send('GET', `${foos}/a`)).body).toMatchObject({ spec: { replicas: 0 } });
  const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const table = await exchange(api.server, { url: `${foos}/a/scale?includeObject=None`, headers });
  expect(table.json()).toMatchObject({
    columnDefinitions: [{}, {}, {}, { name: 'Age', type: 'date' }],
    rows: [{ object: null }],
  });
});
