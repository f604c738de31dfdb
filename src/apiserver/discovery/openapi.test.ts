import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchange } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

let api: TestServer;

beforeAll(async () => {
  api = await startTestServer();
});

afterAll(() => api.stop());

const get = (url: string, headers: Record<string, string> = {}) => exchange(api.server, { url, headers });

test('a document under its hash may be kept for good; under another, the way to the present one is shown', async () => {
  const { paths } = (await get('/openapi/v3')).json<{ paths: Record<string, { serverRelativeURL: string }> }>();
  const url = paths['apis/apps/v1']!.serverRelativeURL;
  const named = await get(url);
  expect(named.status).toBe(200);
  expect(named.headers).toMatchObject({
    'cache-control': 'public, immutable',
    expires: 'Fri, 01 Jan 2027 00:00:00 GMT',
    etag: `"${url.split('hash=')[1]}"`,
  });
  const old = await get('/openapi/v3/apis/apps/v1?hash=OLD');
  expect([old.status, old.headers.location]).toEqual([301, url]);
  const plain = await get('/openapi/v3/apis/apps/v1');
  expect(plain.headers['cache-control']).toBe('no-cache, private');
  expect((await get('/openapi/v3/apis/apps/v1', { 'if-none-match': String(plain.headers.etag) })).status).toBe(304);
  expect((await get('/openapi/v3/apis/none/v1')).status).toBe(404);
});

test('operations say their action and kind, and what their parameters are', async () => {
  type Operation = Record<string, unknown> & { parameters: { name: string }[] };
  const { paths } = (await get('/openapi/v3/apis/apps/v1')).json<{
    paths: Record<string, Record<string, Operation>>;
  }>();
  const item = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']!;
  expect(item.patch).toMatchObject({
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': { group: 'apps', kind: 'Deployment', version: 'v1' },
  });
  expect(item.patch!.parameters.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation', 'force']),
  );
});
