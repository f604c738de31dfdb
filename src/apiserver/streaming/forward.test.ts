// What the proxies owe to both of their connections, whichever of them ends first.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { duplexPair, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../system/real/clock.ts';
import { serverOptions } from '../fake/server-options.ts';
import { Listener } from '../listener.ts';
import { dropUnread } from '../network-request.ts';
import { type ApiRequest, isHijack, textResponse } from '../request.ts';
import { answeredHeaders, forward, passedHeaders, upgradeThrough } from './forward.ts';

type Behind = (request: IncomingMessage, response: ServerResponse) => void;

/** What the server behind does with requests that come for a path. */
const behind = new Map<string, Behind>();
let backend: Server;
let listener: Listener;
let port: number;
let session: ClientHttp2Session;

beforeAll(async () => {
  backend = createServer((request, response) => behind.get(request.url!)!(request, response));
  await once(backend.listen(0, '127.0.0.1'), 'listening');
  const { options } = await serverOptions(realClock);
  listener = new Listener(options, async (request) => {
    const socket = connect((backend.address() as AddressInfo).port, '127.0.0.1');
    try {
      const answer = await forward(request, { path: request.path, headers: passedHeaders(request), over: { socket } });
      answer.once('close', () => socket.destroy());
      return { status: answer.statusCode!, headers: answeredHeaders(answer), body: answer };
    } catch {
      return textResponse(503, 'nothing came');
    }
  });
  port = (await listener.listen()).port;
  session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
});

afterAll(async () => {
  session.destroy();
  await listener.close();
  backend.close();
});

/** A connection of HTTP/1.1 that a test writes itself. */
async function http1(head: string): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  socket.write(`${head}\r\nHost: a\r\n`);
  return socket;
}

/** Answers with the method and the body that came. */
const echo: Behind = async (request, response) => response.end(`${request.method} ${await text(request)}`);

/** Resolves when the request has come, and when its connection has closed. */
function watched(path: string) {
  const [came, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  behind.set(path, (request) => {
    request.on('error', () => {});
    request.once('data', () => came.resolve());
    request.once('close', () => closed.resolve());
  });
  return { came: came.promise, closed: closed.promise };
}

describe('a client that leaves while it sends', () => {
  test.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_INTERNAL_ERROR])(
    'over HTTP/2, with code %i',
    async (code) => {
      const { came, closed } = watched('/left');
      const stream = session.request({ ':method': 'POST', ':path': '/left' }).on('error', () => {});
      stream.write('half');
      await came;
      stream.close(code);
      await closed;
    },
  );

  test.each(['Content-Length: 100\r\n\r\nhalf', 'Transfer-Encoding: chunked\r\n\r\n64\r\nhalf'])(
    'over HTTP/1.1: %j',
    async (rest) => {
      const { came, closed } = watched('/left');
      const socket = await http1('POST /left HTTP/1.1');
      socket.write(rest);
      await came;
      socket.destroy();
      await closed;
    },
  );
});

describe('a body of unknown length is no request of its own', () => {
  const body = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

  test.each(['GET', 'DELETE', 'OPTIONS', 'POST', 'PATCH'])('%s over HTTP/2', async (method) => {
    behind.set('/framed', echo);
    const stream = session.request({ ':method': method, ':path': '/framed' }, { endStream: false });
    stream.end(body);
    expect(await text(stream)).toBe(`${method} ${body}`);
  });

  test.each(['GET', 'DELETE', 'POST'])('%s over HTTP/1.1', async (method) => {
    behind.set('/framed', echo);
    const socket = await http1(`${method} /framed HTTP/1.1`);
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    socket.write(`Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
    expect(await text(socket)).toContain(`${method} ${body}`);
  });
});

test('who answers before the body has come is heard, and the connection serves on', async () => {
  behind.set('/early', (request, response) => {
    request.pause();
    response.writeHead(413, { connection: 'close' }).end('too much');
  });
  behind.set('/next', echo);
  const stream = session.request({ ':method': 'POST', ':path': '/early' });
  stream.write('x'.repeat(60_000));
  expect(await text(stream)).toBe('too much');
  // Nobody waits for the rest.
  if (!stream.closed) await once(stream, 'close');
  expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);

  const socket = await http1('POST /early HTTP/1.1');
  socket.setEncoding('utf8');
  const answered = once(socket, 'data');
  socket.write(`Content-Length: 400000\r\n\r\n${'x'.repeat(200_000)}`);
  expect((await answered)[0]).toContain('413 Payload Too Large');
  socket.write('x'.repeat(200_000));
  socket.write('GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(await text(socket)).toContain('200 OK');
});

test('a body that is let go of runs out, also where its reader ends later', async () => {
  const body = new PassThrough();
  const reader = body.iterator({ destroyOnReturn: false });
  body.write('read');
  await reader.next();
  dropUnread(body);
  await new Promise(setImmediate);
  await reader.return!();
  await new Promise(setImmediate);
  body.end('x'.repeat(100_000));
  await once(body, 'end');
});

test('the server behind hears of a request whose body is yet to come', async () => {
  behind.set('/both', (request, response) => {
    response.flushHeaders();
    request.pipe(response);
  });
  const stream = session.request({ ':method': 'POST', ':path': '/both' });
  await once(stream, 'response');
  stream.end('now');
  expect(await text(stream)).toBe('now');
});

test('an answer that breaks off does not look whole', async () => {
  behind.set('/half', (_, response) => {
    response.write('half', () => response.socket!.resetAndDestroy());
  });
  const stream = session.request({ ':path': '/half' }).on('error', () => {});
  await new Promise((resolve) => stream.resume().once('close', resolve));
  expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);

  const socket = await http1('GET /half HTTP/1.1');
  socket.write('\r\n');
  const answer = await text(socket);
  expect(answer).toContain('half');
  expect(answer).not.toContain('\r\n0\r\n');
});

test('a connection that breaks before the client is connected to it ends the client', async () => {
  const request = { method: 'GET', headers: { upgrade: 'websocket' } } as unknown as ApiRequest;
  const socket = new PassThrough();
  const { body } = upgradeThrough(request, { path: '/', headers: {}, socket });
  socket.destroy(new Error('reset'));
  await new Promise((resolve) => socket.once('close', resolve));
  const [client, ours] = duplexPair();
  const incoming = {} as IncomingMessage;
  if (isHijack(body)) body.hijack({ incoming, socket: ours, head: Buffer.alloc(0) });
  if (!ours.closed) await once(ours, 'close');
  client.destroy();
});
