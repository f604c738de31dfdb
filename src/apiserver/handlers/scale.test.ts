// PUT of a Scale: what must be said, and what nothing means.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const deployments = '/apis/apps/v1/namespaces/n/deployments';
let api: TestServer;

beforeAll(async () => {
  api = await startTestServer();
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { replicas: 3, selector: { matchLabels: { a: 'b' } }, template };
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await api.send('POST', deployments, { metadata: { name: 'd' }, spec });
});

afterAll(() => api.stop());

const unnamed = (name: string) =>
  `the name of the object (${name} based on URL) was undeterminable: name must be provided`;

test.each([
  ['d', {}, 400, unnamed('d')],
  ['d', { spec: { replicas: -1 } }, 400, unnamed('d')],
  ['d', { metadata: { name: 'x' } }, 400, 'the name of the object (x) does not match the name on the URL (d)'],
  // Told before the object is looked for.
  ['none', {}, 400, unnamed('none')],
  ['none', { metadata: { name: 'none' } }, 404, 'deployments.apps "none" not found'],
  [
    'd',
    { metadata: { name: 'd', labels: { a: 'b c' } }, spec: { replicas: -1 } },
    422,
    expect.stringMatching(
      /^Scale.autoscaling "d" is invalid: \[metadata.labels: Invalid value: "b c": .*, spec.replicas: Invalid value: -1: must be greater than or equal to 0\]$/,
    ),
  ],
])('of %s, PUT of the Scale %j: %i', async (name, scale, code, message) => {
  expect((await api.send('PUT', `${deployments}/${name}/scale`, scale)).body).toMatchObject({ code, message });
});

test.each([
  [deployments, 'deployments/scale.apps'],
  ['/apis/apps/v1/namespaces/n/replicasets', 'replicasets/scale.apps'],
  ['/apis/apps/v1/namespaces/n/statefulsets', 'statefulsets.apps'],
])('GET of the Scale of what is not there, below %s', async (url, what) => {
  expect((await api.send('GET', `${url}/none/scale`)).body).toMatchObject({
    code: 404,
    message: `${what} "none" not found`,
    details: { name: 'none', group: 'apps', kind: what.replace('.apps', '') },
  });
});

test('a Scale without a spec wants nothing', async () => {
  const { body } = await api.send('PUT', `${deployments}/d/scale`, { metadata: { name: 'd' } });
  expect(body).toMatchObject({ kind: 'Scale', spec: {} });
  expect((await api.send('GET', `${deployments}/d`)).body).toMatchObject({ spec: { replicas: 0 } });
});
