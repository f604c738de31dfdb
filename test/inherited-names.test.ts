// What the fuzz test found, by name: texts of strangers that every object of JavaScript answers to, where tables and maps are
// looked up by them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inheritedNames } from '../src/apimachinery/schema/arbitrary.contract.ts';
import { exchange } from '../src/apiserver/fake/exchange.ts';
import { startTestServer, type TestServer } from '../src/apiserver/fake/test-server.ts';

const namespace = '/api/v1/namespaces/default';
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  await server.send('POST', `${namespace}/serviceaccounts`, { metadata: { name: 'default' } });
});
afterAll(() => server.stop());

test.each(inheritedNames)('%s as the type of a Secret', async (type) => {
  const { status, body } = await server.send('POST', `${namespace}/secrets`, { metadata: { generateName: 'a' }, type });
  expect({ status, type: body.type }).toEqual({ status: 201, type });
});

test.each(inheritedNames)('%s as the kind of a metric, of a subject, and as a scope', async (name) => {
  const metadata = { name: 'one' };
  const refused = async (path: string, spec: unknown) => {
    const { status, body } = await server.send('POST', path, { metadata, spec });
    expect({ status, message: body.message }).toEqual({ status: 422, message: expect.stringContaining(name) });
  };
  const scaleTargetRef = { kind: 'Deployment', name: 'd' };
  await refused('/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
    scaleTargetRef,
    maxReplicas: 1,
    metrics: [{ type: name }],
  });
  await refused('/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', {
    priorityLevelConfiguration: { name: 'p' },
    rules: [{ subjects: [{ kind: name }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }],
  });
  await refused(`${namespace}/resourcequotas`, { scopes: [name] });
});

test.each(inheritedNames)('%s as a resource, a subresource, a verb and a media type', async (name) => {
  const statusOf = async (method: string, url: string, headers = {}) =>
    (await exchange(server.server, { method, url, headers, body: '{}' })).status;
  for (const url of [`/api/v1/${name}`, `/apis/${name}/${name}/${name}`, `${namespace}/pods/a/${name}`]) {
    expect(await statusOf('POST', url), url).toBe(404);
  }
  expect(await statusOf(name, `${namespace}/pods`)).toBe(405);
  expect(await statusOf('PATCH', `${namespace}/pods/a`, { 'content-type': `application/${name}` })).toBe(415);
  expect(await statusOf('GET', `${namespace}/pods`, { accept: `application/${name}` })).toBe(406);
});

test.each(inheritedNames)('%s as what is asked for of a Pod', async (name) => {
  const amounts = JSON.parse(`{${JSON.stringify(name)}:"1"}`) as object;
  const containers = [{ name: 'c', image: 'i', resources: { requests: amounts, limits: amounts } }];
  const { status, body } = await server.send('POST', `${namespace}/pods`, {
    metadata: { name: 'p' },
    spec: { containers, resources: { limits: amounts } },
  });
  expect(status, JSON.stringify(body)).toBe(422);
  expect(body.message).toContain(`spec.containers[0].resources.limits[${name}]`);
});

test('a selector of labels and of fields that no object has', async () => {
  for (const name of inheritedNames) {
    const fields = await server.send('GET', `${namespace}/secrets?fieldSelector=${name}%3Da`);
    expect(fields.status).toBe(400);
    const labels = await server.send<{ items: unknown[] }>('GET', `${namespace}/secrets?labelSelector=constructor`);
    expect(labels.body.items).toEqual([]);
  }
});
