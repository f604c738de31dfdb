// Watches over WebSocket, and requests that offer an upgrade which their path does not take, through the HTTPS front.
import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import { get, type RequestOptions, request } from 'node:https';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { decodeProtobuf } from '../../api/protobuf/decode.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { realClock } from '../../system/real/clock.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';
import { Listener } from '../listener.ts';
import { createCertificateAuthority, issueKeyPair } from '../pki/certificates.ts';

const configMaps = '/api/v1/namespaces/n/configmaps';
const watch = `${configMaps}?watch=1`;
let api: TestServer;
let listener: Listener;
let host: string;

beforeAll(async () => {
  api = await startTestServer();
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await api.send('POST', configMaps, { metadata: { name: 'there' } });
  const random = new FakeRandom();
  const now = Date.now();
  const validity = { notBefore: now - 60_000, notAfter: now + 3_600_000 };
  const ca = await createCertificateAuthority('ca', validity, random);
  const subject = { commonName: 'server', organizations: [] };
  const profile = { ...validity, subject, sans: ['127.0.0.1'], usages: ['server auth' as const] };
  const { certPem: cert, keyPem: key } = await issueKeyPair(ca, profile, random);
  const authorities = { client: ca.certPem, requestHeader: ca.certPem };
  const options = { host: '127.0.0.1', port: 0, cert, key, authorities, clock: realClock };
  listener = new Listener(options, (asked) => api.server.handle(asked));
  host = `127.0.0.1:${(await listener.listen()).port}`;
});

afterAll(async () => {
  await listener.close();
  api.stop();
});

function open(path: string, headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(`wss://${host}${path}`, { rejectUnauthorized: false, origin: 'https://page.example', headers });
}

/** Each message and whether it is binary, as many as that; an end before them is an error, not a wait for ever. */
async function messages(socket: WebSocket, count: number): Promise<[Buffer, boolean][]> {
  const seen: [Buffer, boolean][] = [];
  const all = Promise.withResolvers<void>();
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    seen.push([data, isBinary]);
    if (seen.length === count) all.resolve();
  });
  socket.on('error', all.reject);
  socket.on('close', (code) => all.reject(new Error(`closed with ${code} after ${seen.length} messages`)));
  await all.promise;
  return seen;
}

test('each event is a message of text, those that happen later too', async () => {
  const socket = open(`${watch}&fieldSelector=metadata.name%3Dlater`);
  const seen = messages(socket, 1);
  await once(socket, 'open');
  socket.send('what the client says is for nobody');
  await api.send('POST', configMaps, { metadata: { name: 'later' } });
  const [[data, isBinary]] = (await seen) as [[Buffer, boolean]];
  socket.terminate();
  expect(isBinary).toBe(false);
  expect(JSON.parse(data.toString())).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'later' } } });
});

test('protocol buffers are binary messages, without the length that stands before them in a stream', async () => {
  const accept = { accept: 'application/vnd.kubernetes.protobuf;stream=watch' };
  const socket = open(`${watch}&fieldSelector=metadata.name%3Dthere`, accept);
  const [[data, isBinary]] = (await messages(socket, 1)) as [[Buffer, boolean]];
  socket.terminate();
  expect(isBinary).toBe(true);
  // The field of the type, its length, and the type.
  expect(data.subarray(0, 7).toString('latin1')).toBe('\x0a\x05ADDED');
  const magic = data.indexOf('k8s\0');
  expect(decodeProtobuf(data.subarray(magic)).value).toMatchObject({ metadata: { name: 'there' } });
});

test('the end of the watch is the end of the connection', async () => {
  const socket = open(`${watch}&resourceVersion=1`);
  const closed = once(socket, 'close');
  const [[data]] = (await messages(socket, 1)) as [[Buffer, boolean]];
  expect(JSON.parse(data.toString())).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  const [code] = await closed;
  expect(code).toBe(1000);
});

test('what the library of upstream refuses', async () => {
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const origin = 'https://page.example';
  expect(await status(get(asked(watch, upgrade)))).toBe(403);
  expect(await status(get(asked(watch, { ...upgrade, origin: 'null' })))).toBe(403);
  expect(await status(get(asked(watch, { ...upgrade, origin, 'sec-websocket-protocol': 'a, b' })))).toBe(400);
  expect(await status(get(asked(watch, { ...upgrade, origin, 'sec-websocket-version': '12' })))).toBe(400);
  const one = get(asked(watch, { ...upgrade, origin, 'sec-websocket-protocol': 'any' }));
  const [answer, socket] = await once(one, 'upgrade');
  socket.destroy();
  expect(answer.headers['sec-websocket-protocol']).toBe('any');
});

test('an upgrade that nobody takes is answered like any other request, streams as well', async () => {
  const other = { connection: 'Upgrade', upgrade: 'h2c' };
  const [list] = await once(get(asked(`${configMaps}/there`, other)), 'response');
  expect(list.statusCode).toBe(200);
  expect(JSON.parse(Buffer.concat(await list.toArray()).toString())).toMatchObject({ metadata: { name: 'there' } });
  const [stream] = await once(get(asked(`${watch}&fieldSelector=metadata.name%3Dthere`, other)), 'response');
  const [event] = await once(stream, 'data');
  expect(JSON.parse(event.toString())).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'there' } } });
  stream.destroy();
  const post = request({ ...asked(configMaps, { ...other, 'content-type': 'application/json' }), method: 'POST' });
  const created = once(post, 'response');
  post.end(JSON.stringify({ metadata: { name: 'sent' } }));
  const [answer] = await created;
  answer.resume();
  expect(answer.statusCode).toBe(201);
});

function asked(path: string, headers: Record<string, string>): RequestOptions {
  const [hostname, port] = host.split(':');
  return { hostname, port, path, headers, rejectUnauthorized: false, agent: false };
}

async function status(request: ClientRequest): Promise<number | undefined> {
  const [response] = await once(request, 'response');
  response.destroy();
  return response.statusCode;
}
