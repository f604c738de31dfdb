// Whole numbers beyond 2^53 on their way through everything that looks at objects.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { exchange } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const big = 9007199254740993n;
const foos = '/apis/x.io/v1/namespaces/n/foos';
const number = { type: 'integer', format: 'int64' };
const spec = {
  type: 'object',
  properties: {
    n: number,
    list: { type: 'array', items: number, 'x-kubernetes-list-type': 'set' },
    map: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['id'],
      items: { type: 'object', required: ['id'], properties: { id: number, value: number } },
    },
  },
};
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
        schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: spec } } },
        selectableFields: [{ jsonPath: '.spec.n' }],
        additionalPrinterColumns: [{ name: 'N', type: 'integer', jsonPath: '.spec.n' }],
        subresources: { status: {} },
      },
    ],
  },
};
const foo = (fields: object, metadata: object = {}) => ({
  apiVersion: 'x.io/v1',
  kind: 'Foo',
  metadata: { name: 'a', ...metadata },
  spec: fields,
});

const container = { name: 'c', image: 'x' };
const template = { spec: { restartPolicy: 'Never', containers: [container] } };

let api: TestServer;

beforeAll(async () => {
  api = await startTestServer({ admissionPlugins: { enabled: [], disabled: ['ServiceAccount'] } });
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await api.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  await vi.waitFor(async () => expect((await api.send('GET', foos)).status).toBe(200), 60_000);
});

beforeEach(async () => {
  await api.send('DELETE', foos);
  const object = foo({ n: big, list: [big], map: [{ id: big, value: big }] });
  expect((await api.send('POST', foos, object)).status).toBe(201);
});

afterAll(() => api.stop());

const textOf = async (url: string, headers: Record<string, string> = {}) =>
  (await exchange(api.server, { url, headers })).text;

test.each([
  ['an object', `${foos}/a`, {}],
  ['an indented object', `${foos}/a?pretty=1`, {}],
  ['YAML', `${foos}/a`, { accept: 'application/yaml' }],
  ['a list', foos, {}],
  ['an indented list', `${foos}?pretty=1`, {}],
  ['a list in YAML', foos, { accept: 'application/yaml' }],
  ['a Table', foos, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }],
  ['a selected list', `${foos}?fieldSelector=spec.n%3D${big}`, {}],
  ['the past', `${foos}?limit=1`, {}],
] as const)('%s has it to the last digit', async (_name, url, headers) => {
  expect(await textOf(url, headers)).toContain(String(big));
});

test('writes keep it', async () => {
  const merge = 'application/merge-patch+json';
  const patched = async (patch: unknown, type: string, query = '') => {
    const { status, body } = await api.send('PATCH', `${foos}/a${query}`, patch, type);
    expect(status, JSON.stringify(body)).toBe(200);
    return textOf(`${foos}/a`);
  };
  expect(await patched({ metadata: { labels: { a: 'b' } } }, merge)).toContain(`"n":${big}`);
  const changes = [
    { op: 'test', path: '/spec/n', value: big },
    { op: 'add', path: '/spec/list/-', value: big + 2n },
  ];
  expect(await patched(changes, 'application/json-patch+json')).toContain(`"list":[${big},${big + 2n}]`);
  const apply = 'application/apply-patch+yaml';
  const mine = foo({ n: big, list: [big + 4n], map: [{ id: big, value: big }] });
  const applied = await patched(mine, apply, '?fieldManager=me&force=true');
  expect(applied).toContain(`"list":[${big},${big + 2n},${big + 4n}]`);
  expect(applied).toContain(`v:${big + 4n}`);
  expect(applied).toContain(`k:{\\"id\\":${big}}`);
  expect(await patched(mine, apply, '?fieldManager=me')).toBe(applied);
  const { status } = await api.send('PATCH', `${foos}/a?fieldManager=you`, foo({ n: big + 2n }), apply);
  expect(status).toBe(409);
  expect(await patched({ metadata: { finalizers: ['x.io/f'] } }, merge)).toContain(`"n":${big}`);
  expect((await api.send('DELETE', `${foos}/a`)).status).toBe(200);
  expect(await textOf(`${foos}/a`)).toContain(`"n":${big}`);
  await api.send('PATCH', `${foos}/a`, { metadata: { finalizers: null } }, merge);
});

// Each is read by something that calculates with it.
test.each([
  ['/api/v1/namespaces/n/pods', { terminationGracePeriodSeconds: big, containers: [container] }],
  ['/apis/batch/v1/namespaces/n/jobs', { activeDeadlineSeconds: big, template }],
  [
    '/apis/batch/v1/namespaces/n/cronjobs',
    { startingDeadlineSeconds: big, schedule: '* * * * *', jobTemplate: { spec: { template } } },
  ],
])('where the type is known, in %s, it is a number, and as large as numbers are exact', async (url, fields) => {
  expect(await api.send('POST', url, { metadata: { name: 'a' }, spec: fields })).toMatchObject({ status: 201 });
  const field = Object.keys(fields)[0]!;
  const largest = `"${field}":9007199254740991`;
  expect(await textOf(`${url}/a`)).toContain(largest);
  const patch = { spec: { [field]: 2n ** 63n - 1n } };
  await api.send('PATCH', `${url}/a`, patch, 'application/merge-patch+json');
  expect(await textOf(`${url}/a`)).toContain(largest);
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  expect((await exchange(api.server, { url, headers: { accept } })).status).toBe(200);
  expect((await api.send('DELETE', `${url}/a`)).status).toBe(200);
});

test.each(['9223372036854775808', '1e17'])('%s is no int64', async (number) => {
  const body = `{"metadata":{"name":"b"},"spec":{"containers":[],"terminationGracePeriodSeconds":${number}}}`;
  const url = '/api/v1/namespaces/n/pods';
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await exchange(api.server, { method: 'POST', url, headers, body });
  expect([status, text]).toEqual([400, expect.stringContaining('cannot unmarshal number')]);
});
