// An API of another server behind ours: discovery, requests, a watch, and what is said while that server is away.
import { once } from 'node:events';
import { request } from 'node:https';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ExtensionServer, startExtensionServer } from '../fixtures/extension-server.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';

const name = 'v1.wardle.example.com';
const flunders = '/apis/wardle.example.com/v1/namespaces/default/flunders';
let server: TestServer;
let extension: ExtensionServer;

beforeAll(async () => {
  server = await startServer();
  const { kubectl } = server;
  const config = await kubectl(
    'get',
    'configmap',
    '-n',
    'kube-system',
    'extension-apiserver-authentication',
    '-o',
    'json',
  );
  const { data } = JSON.parse(config) as { data: Record<string, string> };
  expect(JSON.parse(data['requestheader-allowed-names']!)).toEqual(['front-proxy-client']);
  extension = await startExtensionServer('wardle.default.svc', data['requestheader-client-ca-file']!);
  await kubectl('create', 'service', 'externalname', 'wardle', '--external-name=localhost');
  await register({ caBundle: Buffer.from(extension.ca).toString('base64') });
  await kubectl('wait', '--for=condition=Available', `apiservice/${name}`, '--timeout=300s');
});

afterAll(async () => {
  await extension?.stop();
  await server?.stop();
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, server.url), {
      method,
      rejectUnauthorized: false,
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', ...headers },
    });
    outgoing.once('error', reject);
    outgoing.once('response', async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode ?? 0, text });
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function register(spec: Record<string, unknown>): Promise<void> {
  const service = { namespace: 'default', name: 'wardle', port: extension.port };
  const group = { group: 'wardle.example.com', version: 'v1', groupPriorityMinimum: 2000, versionPriority: 10 };
  const body = { metadata: { name }, spec: { service, ...group, ...spec } };
  const { status, text } = await call('POST', '/apis/apiregistration.k8s.io/v1/apiservices', body);
  expect(status, text).toBe(201);
}

test('kubectl finds the resource and gets it', async () => {
  const { kubectl } = server;
  expect(await kubectl('api-resources', '--api-group=wardle.example.com', '--no-headers')).toMatch(
    /^flunders +fl +wardle\.example\.com\/v1 +true +Flunder\n$/,
  );
  expect(await kubectl('get', 'fl', '-o', 'name')).toBe('flunder.wardle.example.com/a\n');
  expect(await kubectl('get', 'apiservices', name, '--no-headers')).toMatch(/default\/wardle +True/);
});

test('the other server learns who asks, and nobody may say so but this one', async () => {
  const headers = { 'x-remote-user': 'root', 'impersonate-user': 'jane', 'impersonate-group': 'dev' };
  // Tried again, it begins anew.
  await server.kubectl('delete', 'clusterrolebinding', 'jane', '--ignore-not-found');
  // jane may do nothing here: the other server is not even asked.
  expect((await call('GET', `${flunders}/a`, undefined, headers)).status).toBe(403);
  await server.kubectl('create', 'clusterrolebinding', 'jane', '--clusterrole=cluster-admin', '--user=jane');
  expect((await call('GET', `${flunders}/a?x=1`, undefined, headers)).status).toBe(200);
  expect(extension.seen).toContain(`GET ${flunders}/a?x=1 as jane in dev, system:authenticated`);
});

test('bodies go both ways', async () => {
  const object = { kind: 'Flunder', metadata: { name: 'b' } };
  const { status, text } = await call('POST', flunders, object);
  expect(status).toBe(201);
  expect(JSON.parse(text)).toEqual(object);
});

test('a watch goes through as things happen', async () => {
  const outgoing = request(new URL(`${flunders}?watch=1`, server.url), {
    rejectUnauthorized: false,
    headers: { authorization: `Bearer ${server.token}` },
  });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  for (const event of ['one', 'two']) {
    const arrived = once(response, 'data');
    extension.tell('ADDED', event);
    expect(String((await arrived)[0])).toContain(`"name":"${event}"`);
  }
  outgoing.destroy();
});

test('discovery and OpenAPI name it, after the built-in groups and with its own documents', async () => {
  const { groups } = JSON.parse((await call('GET', '/apis')).text) as { groups: { name: string }[] };
  const names = groups.map((group) => group.name);
  expect(names[0]).toBe('apiregistration.k8s.io');
  // Custom resources come after what asks for more: the cluster has one of its own.
  const isOther = (name: string) => name !== 'portico.dev';
  expect(names.filter(isOther).at(-1)).toBe('wardle.example.com');
  const group = JSON.parse((await call('GET', '/apis/wardle.example.com')).text) as unknown;
  expect(group).toMatchObject({ kind: 'APIGroup', preferredVersion: { groupVersion: 'wardle.example.com/v1' } });
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const aggregated = JSON.parse((await call('GET', '/apis', undefined, { accept })).text) as {
    items: { metadata: { name: string } }[];
  };
  expect(aggregated.items.filter(({ metadata }) => isOther(metadata.name)).at(-1)).toMatchObject({
    metadata: { name: 'wardle.example.com' },
    versions: [{ version: 'v1', freshness: 'Current', resources: [{ resource: 'flunders', scope: 'Namespaced' }] }],
  });
  const index = JSON.parse((await call('GET', '/openapi/v3')).text) as { paths: Record<string, unknown> };
  expect(index.paths).toHaveProperty(['apis/wardle.example.com/v1']);
  expect(JSON.parse((await call('GET', '/openapi/v3/apis/wardle.example.com/v1')).text)).toHaveProperty('openapi');
});

test('what is built in has APIServices too', async () => {
  const text = await server.kubectl('get', 'apiservices', '--no-headers');
  expect(text).toMatch(/^v1\. +Local +True/m);
  expect(text).toMatch(/^v2\.autoscaling +Local +True/m);
});

test('a server whose certificate is not believed is unavailable', async () => {
  const { kubectl } = server;
  await kubectl('delete', 'apiservice', name);
  await register({});
  await kubectl('wait', '--for=condition=Available=False', `apiservice/${name}`, '--timeout=300s');
  const condition = 'jsonpath={.status.conditions[0].reason}: {.status.conditions[0].message}';
  const url = `https://localhost:${extension.port}/apis/wardle.example.com/v1`;
  const why = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  expect(await kubectl('get', 'apiservice', name, '-o', condition)).toBe(
    `FailedDiscoveryCheck: failing or missing response from ${url}: Get "${url}": ${why}`,
  );
  expect(await call('GET', flunders)).toEqual({ status: 503, text: 'service unavailable\n' });
  const { text } = await call('GET', '/metrics');
  expect(text).toContain(`aggregator_unavailable_apiservice{name="${name}"} 1\n`);
  expect(text).toContain('aggregator_unavailable_apiservice{name="v1.apps"} 0\n');
});

test('a server that is away is unavailable', async () => {
  const { kubectl } = server;
  await kubectl('delete', 'service', 'wardle', '--ignore-not-found');
  const gone = 'jsonpath={.status.conditions[0].reason}=ServiceNotFound';
  await kubectl('wait', `--for=${gone}`, `apiservice/${name}`, '--timeout=300s');
});
