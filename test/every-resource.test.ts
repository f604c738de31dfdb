// Goes through every row of the table of resources and every verb in it, on a server as users start it: nothing that
// discovery offers is missing, refused as a method, or fails inside.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeProtobuf } from '../src/api/protobuf/decode.ts';
import { builtinResources } from '../src/api/registry.ts';
import type { ResourceDefinition, ResourceFacts } from '../src/api/resource.ts';
import { apiVersionOf } from '../src/apimachinery/object.ts';
import { type HttpsAnswer, type HttpsClient, type HttpsRequest, httpsClient } from './fixtures/https-client.ts';
import { minimalObjects } from './fixtures/minimal-objects.ts';
import { startServer, type TestServer } from './fixtures/portico-process.ts';

const namespace = 'every';
const json = { 'content-type': 'application/json' };
const merge = { 'content-type': 'application/merge-patch+json' };
const protobuf = 'application/vnd.kubernetes.protobuf';
let server: TestServer;
let client: HttpsClient;

beforeAll(async () => {
  server = await startServer(['--controllers', 'namespace-controller']);
  client = httpsClient(server);
  await write('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  // Pods need one.
  await write('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } });
}, 60_000);

afterAll(async () => {
  client.close();
  await server.stop();
});

const write = (method: string, path: string, body: unknown, headers = json) =>
  client.send({ method, path, headers, body: JSON.stringify(body) });

function qualified({ group, version, resource }: ResourceFacts): string {
  if (group === 'autoscaling') return `${resource}.${version}.${group}`;
  return group === '' ? resource : `${resource}.${group}`;
}

function collection({ group, version, resource, namespaced }: ResourceFacts): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespaced ? `/namespaces/${namespace}` : ''}/${resource}`;
}

const isServed = ({ status }: HttpsAnswer) => ![404, 405, 406, 415].includes(status) && status < 500;

async function expectServed(what: string, given: HttpsRequest): Promise<HttpsAnswer> {
  const answer = await client.send(given);
  expect(isServed(answer), `${what}: ${answer.status} ${answer.text.slice(0, 500)}`).toBe(true);
  return answer;
}

const definitions = builtinResources();
const stored = definitions.filter(({ verbs }) => verbs.includes('create') && verbs.includes('get'));

/** Makes the object of a resource anew; its path. */
async function made(definition: ResourceDefinition): Promise<string> {
  const { name = 'm', content, metadata } = minimalObjects[qualified(definition)]!;
  const path = collection(definition);
  const own = { kind: definition.kind, apiVersion: apiVersionOf(definition) };
  const answer = await write('POST', path, { ...own, metadata: { name, ...metadata }, ...content });
  expect([201, 409], `${path} ${answer.text.slice(0, 500)}`).toContain(answer.status);
  return `${path}/${name}`;
}

test('there is a small object of every kind', () => {
  expect(stored.map(qualified).filter((name) => !(name in minimalObjects))).toEqual([]);
});

describe.each(stored.map((definition) => [qualified(definition), definition] as const))('%s', (_name, definition) => {
  test('all verbs', async () => {
    const item = await made(definition);
    const path = collection(definition);
    const read = await expectServed('get', { path: item });
    const inProtobuf = await expectServed('get', { path: item, headers: { accept: protobuf } });
    const { value } = decodeProtobuf(inProtobuf.bytes);
    // A controller may have written between the two.
    const { name, uid, creationTimestamp } = JSON.parse(read.text).metadata;
    expect(value).toMatchObject({ metadata: { name, uid, creationTimestamp } });
    await expectServed('list', { path });
    await expectServed('list', { path, headers: { accept: protobuf } });
    await expectServed('list', { path, headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    await expectServed('watch', { path: `${path}?watch=1`, headersOnly: true });
    await expectServed('update', { method: 'PUT', path: item, headers: json, body: read.text });
    const labels = JSON.stringify({ metadata: { labels: { changed: 'yes' } } });
    const patched = await expectServed('patch', { method: 'PATCH', path: item, headers: merge, body: labels });
    expect(JSON.parse(patched.text).metadata.labels.changed).toBe('yes');
    for (const subresource of definition.subresources) await verbsOf(subresource, item);
    await expectServed('delete', { method: 'DELETE', path: item });
    if (definition.verbs.includes('deletecollection')) {
      const labelSelector = encodeURIComponent('there-is=none');
      await expectServed('deletecollection', { method: 'DELETE', path: `${path}?labelSelector=${labelSelector}` });
    }
  });
});

const stateful = new Set(['status', 'scale', 'resize', 'ephemeralcontainers', 'approval']);

/** Reads and writes of a subresource that is a part of its object. */
async function verbsOf({ resource, verbs }: ResourceFacts, item: string): Promise<void> {
  const name = resource.split('/')[1]!;
  if (!stateful.has(name)) return;
  const path = `${item}/${name}`;
  const read = await expectServed(`${name} get`, { path });
  await expectServed(`${name} get`, { path, headers: { accept: protobuf } });
  if (verbs.includes('update')) {
    await expectServed(`${name} update`, { method: 'PUT', path, headers: json, body: read.text });
  }
  if (verbs.includes('patch')) {
    await expectServed(`${name} patch`, { method: 'PATCH', path, headers: merge, body: '{}' });
  }
}

const attributes = { namespace, verb: 'get', resource: 'pods' };

test.each([
  ['authentication.k8s.io/v1/selfsubjectreviews', 'SelfSubjectReview', {}],
  ['authentication.k8s.io/v1/tokenreviews', 'TokenReview', { spec: { token: 'x' } }],
  [
    `authorization.k8s.io/v1/namespaces/${namespace}/localsubjectaccessreviews`,
    'LocalSubjectAccessReview',
    { spec: { user: 'u', resourceAttributes: attributes } },
  ],
  [
    'authorization.k8s.io/v1/selfsubjectaccessreviews',
    'SelfSubjectAccessReview',
    { spec: { resourceAttributes: attributes } },
  ],
  ['authorization.k8s.io/v1/selfsubjectrulesreviews', 'SelfSubjectRulesReview', { spec: { namespace } }],
  [
    'authorization.k8s.io/v1/subjectaccessreviews',
    'SubjectAccessReview',
    { spec: { user: 'u', resourceAttributes: attributes } },
  ],
])('%s', async (path, kind, content) => {
  const headers = { ...json, accept: protobuf };
  const answer = await write('POST', `/apis/${path}`, content, headers);
  expect(answer.status).toBe(201);
  expect(decodeProtobuf(answer.bytes)).toMatchObject({ kind, value: { status: {} } });
});

test('what is made at an object: bindings, evictions, tokens; and the end of a namespace', async () => {
  const root = `/api/v1/namespaces/${namespace}`;
  const pod = (name: string) =>
    write('POST', `${root}/pods`, { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  await Promise.all(['b1', 'b2', 'b3'].map(pod));
  const binding = (name: string) => ({ metadata: { name }, target: { kind: 'Node', name: 'n' } });
  expect((await write('POST', `${root}/bindings`, binding('b1'))).status).toBe(201);
  expect((await write('POST', `${root}/pods/b2/binding`, binding('b2'))).status).toBe(201);
  expect((await write('POST', `${root}/pods/b3/eviction`, { metadata: { name: 'b3' } })).status).toBe(201);
  await write('POST', `${root}/serviceaccounts`, { metadata: { name: 't' } });
  const token = await write('POST', `${root}/serviceaccounts/t/token`, { spec: {} });
  expect(JSON.parse(token.text)).toMatchObject({ kind: 'TokenRequest', status: { token: expect.any(String) } });
  const object = {
    kind: 'Namespace',
    apiVersion: 'v1',
    metadata: { name: namespace },
    spec: { finalizers: ['kubernetes'] },
  };
  expect((await write('PUT', `/api/v1/namespaces/${namespace}/finalize`, object)).status).toBe(200);
});

test('component statuses, one and all', async () => {
  const list = await expectServed('list', { path: '/api/v1/componentstatuses' });
  expect(JSON.parse(list.text).kind).toBe('ComponentStatusList');
});

test('what leads to nodes answers for each of its verbs', async () => {
  const root = `/api/v1/namespaces/${namespace}`;
  await write('POST', `${root}/pods`, { metadata: { name: 'c' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  await write('POST', `${root}/services`, { metadata: { name: 'c' }, spec: { ports: [{ port: 80 }] } });
  await write('POST', '/api/v1/nodes', { metadata: { name: 'c' } });
  const methods: Readonly<Record<string, string>> = {
    get: 'GET',
    create: 'POST',
    update: 'PUT',
    patch: 'PATCH',
    delete: 'DELETE',
  };
  for (const definition of definitions) {
    for (const { resource, verbs } of definition.subresources) {
      const [, name = ''] = resource.split('/');
      if (!['proxy', 'exec', 'attach', 'portforward', 'log'].includes(name)) continue;
      for (const verb of verbs) {
        const path = `${collection(definition)}/c/${name}`;
        const { status, text } = await client.send({ method: methods[verb]!, path });
        // Nothing is behind them: that is what they may complain of.
        expect(text, `${verb} ${path}`).not.toContain('could not find the requested resource');
        expect([404, 405, 500], `${verb} ${path} ${text}`).not.toContain(status);
      }
    }
  }
});
