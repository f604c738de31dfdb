// Real servers on loopback with certificates made here: what the transport does on the wire.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import type { Credential } from './credentials.ts';
import { selfSigned } from './fake/self-signed.ts';
import { HttpTransport } from './http-transport.ts';
import type { RawResponse } from './types.ts';
import { lines, readText } from './watch-stream.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Server = net.Server;

function listen(server: Server): Promise<number> {
  closers.push(() => server.close());
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

function transportTo(server: string, ca?: string): HttpTransport {
  const transport = new HttpTransport({ server, ca, clock: new FakeClock(), token: () => 'secret' });
  closers.push(() => transport.close());
  return transport;
}

async function answer(response: RawResponse): Promise<string> {
  return `${response.status} ${await readText(response.body)}`;
}

test('HTTP/2: all requests share a connection, which is made anew after it is lost', async () => {
  const { cert, key } = await selfSigned('127.0.0.1');
  const sessions = new Set<http2.ServerHttp2Session>();
  let connections = 0;
  const server = http2.createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
    response.end(`${request.httpVersion} ${request.method} ${request.url} ${request.headers.authorization}`);
  });
  server.on('session', (session) => {
    connections += 1;
    sessions.add(session);
  });
  const transport = transportTo(`https://127.0.0.1:${await listen(server)}`, cert);
  const get = async () => answer(await transport.request({ method: 'GET', path: '/version' }));
  expect(await Promise.all([get(), get(), get()])).toEqual(Array(3).fill('200 2.0 GET /version Bearer secret'));
  expect(connections).toBe(1);
  for (const session of sessions) session.destroy();
  expect(await get()).toBe('200 2.0 GET /version Bearer secret');
  expect(connections).toBe(2);
});

test('a server that takes the connection and says no word is given up after half a minute', async () => {
  const server = net.createServer();
  const met = once(server, 'connection') as Promise<[net.Socket]>;
  const clock = new FakeClock();
  const transport = new HttpTransport({ server: `https://127.0.0.1:${await listen(server)}`, clock });
  closers.push(() => transport.close());
  const failed = transport.request({ method: 'GET', path: '/version' }).catch((error: Error) => error.message);
  const [socket] = await met;
  clock.advance(30_000);
  expect(await failed).toBe('the API server did not answer the connection');
  socket.destroy();
});

test('a token that is refused is asked for anew, and another certificate brings another connection', async () => {
  const { cert, key } = await selfSigned('127.0.0.1');
  const server = http2.createSecureServer(
    { cert, key, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { authorization } = request.headers;
      response.writeHead(authorization === 'Bearer new' ? 200 : 401).end();
    },
  );
  const sessions: unknown[] = [];
  server.on('session', (session) => sessions.push(session));
  let credential: Credential = { token: 'old' };
  let refusals = 0;
  const refused = () => {
    refusals += 1;
    credential = { ...credential, token: 'new' };
  };
  const transport = new HttpTransport({
    server: `https://127.0.0.1:${await listen(server)}`,
    ca: cert,
    clock: new FakeClock(),
    credentials: { get: async () => credential, refused },
  });
  closers.push(() => transport.close());
  const get = async () => (await transport.request({ method: 'GET', path: '/' })).status;
  expect([await get(), await get(), refusals]).toEqual([401, 200, 1]);
  expect(sessions).toHaveLength(1);
  credential = { token: 'new', cert, key };
  expect([await get(), await get()]).toEqual([200, 200]);
  expect(sessions).toHaveLength(2);
});

test('HTTP/1.1 where the server speaks no HTTP/2', async () => {
  const { cert, key } = await selfSigned('127.0.0.1');
  const server = https.createServer({ cert, key }, (request, response) =>
    response.end(`${request.httpVersion} ${request.url}`),
  );
  const transport = transportTo(`https://127.0.0.1:${await listen(server)}/prefix`, cert);
  expect(await answer(await transport.request({ method: 'GET', path: '/api' }))).toBe('200 1.1 /prefix/api');
});

test('through a proxy, which sees none of it', async () => {
  const { cert, key } = await selfSigned('192.0.2.1');
  const server = https.createServer({ cert, key }, (request, response) => response.end(`got ${request.url}`));
  const port = await listen(server);
  const asked: (string | undefined)[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (request, socket, head) => {
    asked.push(request.url);
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    closers.push(() => onward.destroy());
  });
  const proxyUrl = `http://127.0.0.1:${await listen(proxy)}`;
  const transport = new HttpTransport({
    server: 'https://192.0.2.1:6443',
    ca: cert,
    clock: new FakeClock(),
    proxyUrl,
  });
  closers.push(() => transport.close());
  expect(await answer(await transport.request({ method: 'GET', path: '/version' }))).toBe('200 got /version');
  expect(asked).toEqual(['192.0.2.1:6443']);
});

test('plain HTTP', async () => {
  const server = http.createServer((request, response) => {
    request.setEncoding('utf8');
    request.on('data', (body: string) => response.end(`${request.method} ${body}`));
  });
  const transport = transportTo(`http://127.0.0.1:${await listen(server)}`);
  expect(await answer(await transport.request({ method: 'POST', path: '/', body: 'hello' }))).toBe('200 POST hello');
});

test('a stream arrives piece by piece and ends when the signal aborts', async () => {
  const { cert, key } = await selfSigned('127.0.0.1');
  const closed = Promise.withResolvers<void>();
  const server = http2.createSecureServer({ cert, key }, (_request, response) => {
    response.write('one\ntw');
    response.write('o\nthr');
    response.on('close', closed.resolve);
  });
  const transport = transportTo(`https://127.0.0.1:${await listen(server)}`, cert);
  const stop = new AbortController();
  const response = await transport.request({ method: 'GET', path: '/watch', signal: stop.signal });
  const seen: string[] = [];
  await expect(async () => {
    for await (const line of lines(response.body)) {
      seen.push(line);
      if (line === 'two') stop.abort(new Error('enough'));
    }
  }).rejects.toThrow();
  expect(seen).toEqual(['one', 'two']);
  await closed.promise;
});

test('a certificate of another authority, and a server that is not there, are errors', async () => {
  const { cert, key } = await selfSigned('127.0.0.1');
  const other = await selfSigned('127.0.0.1');
  const server = http2.createSecureServer({ cert, key });
  const port = await listen(server);
  const stranger = transportTo(`https://127.0.0.1:${port}`, other.cert);
  await expect(stranger.request({ method: 'GET', path: '/' })).rejects.toThrow(/certificate/);
  const nobody = transportTo('https://127.0.0.1:1', cert);
  await expect(nobody.request({ method: 'GET', path: '/' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('the name in the certificate must be that of the server', async () => {
  const { cert, key } = await selfSigned('127.0.0.9');
  const server = http2.createSecureServer({ cert, key });
  const transport = transportTo(`https://127.0.0.1:${await listen(server)}`, cert);
  await expect(transport.request({ method: 'GET', path: '/' })).rejects.toThrow(/127.0.0.1/);
});
