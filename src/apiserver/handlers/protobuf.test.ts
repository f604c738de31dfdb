import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeProtobuf } from '../../api/protobuf/decode.ts';
import { encodeObject } from '../../api/protobuf/envelope.ts';
import type { KubeList, KubeObject } from '../../apimachinery/object.ts';
import { exchange, openWatch } from '../fake/exchange.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';

const type = 'application/vnd.kubernetes.protobuf';
const configMaps = '/api/v1/namespaces/n/configmaps';
let api: TestServer;

beforeEach(async () => {
  api = await startTestServer();
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
});

afterEach(() => api.stop());

const read = (url: string, accept = type) => exchange(api.server, { url, headers: { accept } });
const write = (method: string, url: string, object: object) =>
  exchange(api.server, {
    method,
    url,
    headers: { accept: type, 'content-type': type },
    body: encodeObject(object as never)!,
  });

const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } };

test('an object goes in and comes out in protocol buffers, the same as in JSON', async () => {
  const created = await write('POST', configMaps, configMap);
  expect(created.status).toBe(201);
  expect(created.headers['content-type']).toBe(type);
  const { body } = await api.send('GET', `${configMaps}/a`);
  const answered = decodeProtobuf((await read(`${configMaps}/a`)).bytes);
  expect({ apiVersion: answered.apiVersion, kind: answered.kind, ...answered.value }).toEqual(body);
  const updated = await write('PUT', `${configMaps}/a`, { ...configMap, data: { k: 'w' } });
  expect(decodeProtobuf(updated.bytes).value).toMatchObject({ data: { k: 'w' } });
});

test('a list, short or long, and of metadata only', async () => {
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => api.send('POST', configMaps, { metadata: { name: `c${i}` } })),
  );
  const { body } = await api.send<KubeList<KubeObject>>('GET', configMaps);
  const answer = await read(configMaps);
  expect(answer.headers['content-type']).toBe(type);
  expect(decodeProtobuf(answer.bytes)).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMapList',
    value: { metadata: body.metadata, items: body.items },
  });
  const page = decodeProtobuf((await read(`${configMaps}?limit=2`)).bytes);
  expect(page.value).toMatchObject({ metadata: { remainingItemCount: 298 }, items: [{}, {}] });
  const partial = `${type};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`;
  expect((await read(`${configMaps}?limit=1`, partial)).text).toContain('PartialObjectMetadataList');
});

test('refusals and deletions are a Status in protocol buffers', async () => {
  const missing = await read(`${configMaps}/nothing`);
  expect(missing.status).toBe(404);
  expect(decodeProtobuf(missing.bytes)).toMatchObject({
    apiVersion: 'v1',
    kind: 'Status',
    value: { status: 'Failure', reason: 'NotFound', code: 404, details: { name: 'nothing', kind: 'configmaps' } },
  });
  await write('POST', configMaps, configMap);
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'other' } };
  expect((await write('DELETE', `${configMaps}/a`, options)).status).toBe(409);
  const deleted = await write('DELETE', `${configMaps}/a`, { apiVersion: 'v1', kind: 'DeleteOptions' });
  expect(decodeProtobuf(deleted.bytes)).toMatchObject({ kind: 'Status', value: { status: 'Success' } });
});

/** What is in a frame: its length, the event's type, the object. */
function readFrame(frame: Buffer): { type: string; object: ReturnType<typeof decodeProtobuf> } {
  expect(frame.readUInt32BE()).toBe(frame.length - 4);
  const length = frame[5]!;
  const at = frame.indexOf('k8s\0');
  return { type: frame.subarray(6, 6 + length).toString(), object: decodeProtobuf(frame.subarray(at)) };
}

describe('a watch', () => {
  test('sends frames with their length before them', async () => {
    await write('POST', configMaps, configMap);
    const headers = { accept: `${type};stream=watch` };
    const watch = await openWatch(api.server, { url: `${configMaps}?watch=1`, headers });
    expect(watch.headers['content-type']).toBe(`${type};stream=watch`);
    expect(readFrame(await watch.next())).toMatchObject({
      type: 'ADDED',
      object: { kind: 'ConfigMap', value: { metadata: { name: 'a' } } },
    });
    await api.send('DELETE', `${configMaps}/a`);
    expect(readFrame(await watch.next()).type).toBe('DELETED');
    await watch.end();
  });

  test('of a list: its end brings the empty list in the same encoding', async () => {
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const watch = await openWatch(api.server, { url: `${configMaps}?${query}`, headers: { accept: type } });
    const { type: kind, object } = readFrame(await watch.next());
    const { annotations } = (object.value as { metadata: { annotations: Record<string, string> } }).metadata;
    expect(kind).toBe('BOOKMARK');
    const list = Buffer.from(annotations['kubernetes.io/initial-events-list-blueprint']!, 'base64');
    // A runtime.Unknown of an apiVersion and a kind, around a list that has nothing but its metadata.
    expect(list.toString('latin1')).toBe(
      'k8s\0\x0a\x13\x0a\x02v1\x12\x0dConfigMapList\x12\x02\x0a\x00\x1a\x00\x22\x00',
    );
    await watch.end();
  });

  test('of metadata only; and its end, when what it asks for is forgotten', async () => {
    await write('POST', configMaps, configMap);
    const accept = `${type};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`;
    const watch = await openWatch(api.server, { url: `${configMaps}?watch=1`, headers: { accept } });
    const { object } = readFrame(await watch.next());
    expect(object).toMatchObject({ apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' });
    await watch.end();
    api.server.cache.forget(1000);
    const old = await openWatch(api.server, { url: `${configMaps}?watch=1&resourceVersion=1`, headers: { accept } });
    expect(readFrame(await old.next())).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', value: { code: 410, reason: 'Expired' } },
    });
    await old.done;
  });
});

test('JSON is indented for who asks, and for people', async () => {
  await write('POST', configMaps, configMap);
  const url = `${configMaps}/a`;
  expect((await exchange(api.server, { url: `${url}?pretty=true` })).text).toMatch(/^\{\n {2}"kind"/);
  expect((await exchange(api.server, { url, headers: { 'user-agent': 'curl/8.0' } })).text).toMatch(/^\{\n/);
  const asked = await exchange(api.server, { url: `${url}?pretty=0`, headers: { 'user-agent': 'curl/8.0' } });
  expect(asked.text).toMatch(/^\{"kind"/);
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => api.send('POST', configMaps, { metadata: { name: `c${i}` } })),
  );
  for (const query of ['limit=1', 'limit=300', 'labelSelector=none']) {
    const plain = await exchange(api.server, { url: `${configMaps}?${query}` });
    const pretty = await exchange(api.server, { url: `${configMaps}?${query}&pretty=1` });
    expect(pretty.text.trimEnd()).toBe(JSON.stringify(plain.json(), null, 2));
  }
});
