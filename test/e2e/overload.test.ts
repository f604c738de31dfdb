// Clients that are slow, half gone, many or greedy: each gets its answer or is cut off, others notice nothing, and the
// server's memory stays bounded.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { aroundTests } from '../fixtures/anew.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';
import { type ApiConnection, connectApi } from './api.ts';
import { eventually } from './portico.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
let server: TestServer;
let api: ApiConnection;
let port = 0;
const start = async () => {
  server = await startServer(['--controllers', '-*']);
  api = connectApi(server.url, server.token);
  port = Number(new URL(server.url).port);
};
const stop = async () => {
  api.close();
  await server.stop();
};
aroundTests(start, stop);

/** Resident memory of the server, in bytes. */
function resident(): number {
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

const megabyte = 1024 * 1024;

async function answers(): Promise<void> {
  expect((await api.send('POST', configMaps, { metadata: { generateName: 'goes-on-' } })).status).toBe(201);
}

async function rawConnection(): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

const head = (method: string, path: string, ...headers: string[]) =>
  [`${method} ${path} HTTP/1.1`, 'host: x', `authorization: Bearer ${server.token}`, ...headers, '', ''].join('\r\n');

/** One request over HTTP/1.1; the answer may come before the body is sent. */
function post(path: string, body: string | Buffer, options: RequestOptions = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly text: string }>();
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', ...options.headers };
  const outgoing = request(
    `${server.url}${path}`,
    { method: 'POST', rejectUnauthorized: false, ...options, headers },
    (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
    },
  );
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

test('bodies past 3 MiB are refused with 413, said or streamed', async () => {
  const large = Buffer.alloc(3 * megabyte + 1, 'x');
  const tooLarge = { kind: 'Status', code: 413, reason: 'RequestEntityTooLarge' };
  const said = await post(configMaps, large, { headers: { 'content-length': large.length } });
  expect(JSON.parse(said.text)).toMatchObject(tooLarge);
  const streamed = await post(configMaps, large, { headers: { 'transfer-encoding': 'chunked' } });
  expect(JSON.parse(streamed.text)).toMatchObject(tooLarge);
  const small = { metadata: { name: 'nearly' }, data: { a: 'x'.repeat(2 * megabyte) } };
  expect((await api.send('POST', configMaps, small)).status).toBe(422);
  await answers();
});

test('deep nesting and other bombs are answered, and cost little', async () => {
  const deep = (n: number) => `{"metadata":{"name":"deep"},"data":${'{"a":'.repeat(n)}1${'}'.repeat(n)}}`;
  const aliases = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`),
  ].join('\n');
  const before = resident();
  for (const body of [
    deep(100),
    deep(9_000),
    deep(300_000),
    '['.repeat(2 * megabyte),
    `{"data":{${'"a":"b",'.repeat(200_000)}"a":"b"}}`,
  ]) {
    const { status, text } = await post(configMaps, body);
    // The last one has no name either, which is found first.
    expect([400, 422], body.slice(0, 50)).toContain(status);
    expect(JSON.parse(text)).toMatchObject({ kind: 'Status', code: status });
  }
  const yaml = await post(configMaps, aliases, { headers: { 'content-type': 'application/yaml' } });
  expect(yaml.status).toBe(400);
  const selector = `${configMaps}?labelSelector=${'a%2C'.repeat(4000)}`;
  expect((await api.send('GET', selector)).status).toBeLessThan(500);
  await answers();
  expect(resident() - before).toBeLessThan(200 * megabyte);
});

test('headers of unbounded size are refused', async () => {
  const socket = await rawConnection();
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.write(head('GET', '/version', `x-large: ${'x'.repeat(2 * megabyte)}`));
  await new Promise((closed) => socket.once('close', closed));
  // The rest of the header may meet a closed connection, whose reset overtakes the answer.
  expect(text).toMatch(/^$|^HTTP\/1\.1 431 /);
  await answers();
});

test('clients that send slowly, stop half way, or close one half', async () => {
  const slow = await Promise.all(Array.from({ length: 50 }, rawConnection));
  for (const [i, socket] of slow.entries()) {
    // Headers that never end; a body that never comes; a body of which half comes.
    if (i % 3 === 0) socket.write('GET /version HTTP/1.1\r\nhost: x\r\nx-slow: ');
    if (i % 3 === 1) socket.write(head('POST', configMaps, 'content-type: application/json', 'content-length: 1000'));
    if (i % 3 === 2)
      socket.write(`${head('POST', configMaps, 'content-type: application/json', 'content-length: 1000')}{"metadata":`);
  }
  const half = await rawConnection();
  half.end(head('GET', '/version'));
  expect(Buffer.concat(await half.toArray()).toString()).toMatch(/^HTTP\/1\.1 200 /);
  await Promise.all(Array.from({ length: 20 }, answers));
  for (const socket of slow) socket.destroy();
  await answers();
});

test('requests that are cut off in the middle leave nothing behind', async () => {
  const before = resident();
  for (let round = 0; round < 5; round++) {
    const session: ClientHttp2Session = connectHttp2(server.url, { rejectUnauthorized: false });
    session.on('error', () => {});
    for (let i = 0; i < 200; i++) {
      const path = i % 2 === 0 ? configMaps : `${configMaps}?watch=true`;
      const headers = { ':path': path, authorization: `Bearer ${server.token}` };
      const stream = session.request(
        i % 3 === 0 ? { ...headers, ':method': 'POST', 'content-type': 'application/json' } : headers,
      );
      stream.on('error', () => {});
      stream.write('{"metadata":{"generateName":"cut-"');
      if (i % 5 === 0) stream.close(8);
    }
    await once(session.request({ ':path': '/version' }), 'response');
    session.destroy();
  }
  await answers();
  await noWatches();
  expect(resident() - before).toBeLessThan(100 * megabyte);
});

/** Resolves when the server counts no watches of clients any more; its own are of whole clusters. */
async function noWatches(): Promise<void> {
  await eventually('all watches to end', async () => {
    const text = await metrics();
    // Absent would mean that this test no longer knows the metric.
    expect(text).toContain('apiserver_longrunning_requests{');
    const open = [
      ...text.matchAll(
        /^apiserver_longrunning_requests\{[^}]*verb="WATCH",group="",version="v1",resource="configmaps",subresource="",scope="namespace"[^}]*\} (\d+)$/gm,
      ),
    ];
    return open.every(([, count]) => count === '0') ? true : undefined;
  });
}

async function metrics(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { authorization: `Bearer ${server.token}` };
  const asked = request(
    `${server.url}/metrics`,
    { rejectUnauthorized: false, headers, agent: new Agent() },
    (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => resolve(text));
    },
  );
  asked.on('error', reject);
  asked.end();
  return promise;
}

test('two thousand idle connections', async () => {
  const before = resident();
  const idle: TLSSocket[] = [];
  for (let i = 0; i < 2000; i += 100) idle.push(...(await Promise.all(Array.from({ length: 100 }, rawConnection))));
  await answers();
  expect(resident() - before).toBeLessThan(400 * megabyte);
  for (const socket of idle) socket.destroy();
  await answers();
});

test('a thousand watchers are told of every change', async () => {
  const sessions = Array.from({ length: 10 }, () => connectApi(server.url, server.token));
  const { body } = await api.send<{ metadata: { resourceVersion: string } }>('GET', configMaps);
  const path = `${configMaps}?watch=true&resourceVersion=${body.metadata.resourceVersion}&labelSelector=of%3Dwatchers`;
  let told = 0;
  const watches = sessions.flatMap((session) =>
    Array.from({ length: 100 }, () =>
      session.watch(path, () => {
        told += 1;
      }),
    ),
  );
  for (let i = 0; i < 5; i++) {
    const made = { metadata: { name: `watched-${i}`, labels: { of: 'watchers' } } };
    expect((await api.send('POST', configMaps, made)).status).toBe(201);
  }
  await eventually('all watchers to be told', async () => (told === 5000 ? true : undefined));
  for (const session of sessions) session.close();
  await Promise.all(watches);
  await noWatches();
});

test('watchers that never read are cut off; the others and the memory do not suffer', async () => {
  const before = resident();
  const { body: present } = await api.send<{ metadata: { resourceVersion: string } }>('GET', configMaps);
  const from = present.metadata.resourceVersion;
  const path = `${configMaps}?watch=true&resourceVersion=${from}&labelSelector=of%3Dflood`;
  const deaf = await Promise.all(Array.from({ length: 10 }, rawConnection));
  const ended = deaf.map((socket) => new Promise((closed) => socket.once('close', closed)));
  for (const socket of deaf) {
    socket.pause();
    socket.write(head('GET', path));
  }
  let heard = 0;
  const listening = connectApi(server.url, server.token);
  const watching = listening.watch(path, () => {
    heard += 1;
  });
  const body = (i: number) => ({
    metadata: { name: 'flood', labels: { of: 'flood' } },
    data: { a: `${i}`.padEnd(500_000, 'x') },
  });
  expect((await api.send('POST', configMaps, body(0))).status).toBe(201);
  for (let i = 1; i < 80; i++) expect((await api.send('PUT', `${configMaps}/flood`, body(i))).status).toBe(200);
  await eventually('the reading watcher to hear all', async () => (heard === 80 ? true : undefined));
  // 40 MB went by each of them, of which at the most 16 wait.
  expect(resident() - before).toBeLessThan(600 * megabyte);
  for (const socket of deaf) socket.resume();
  await Promise.all(ended);
  listening.close();
  await watching;
  await noWatches();
  await answers();
});
