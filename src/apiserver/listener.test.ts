// What the HTTPS front adds to the API: two versions of HTTP, bounds on what comes in, compression of what goes out.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Stream, connect, constants } from 'node:http2';
import { Agent, request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeProtobuf } from '../api/protobuf/decode.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { realClock } from '../system/real/clock.ts';
import { serverOptions } from './fake/server-options.ts';
import { startTestServer, type TestServer } from './fake/test-server.ts';
import { Listener } from './listener.ts';
import type { KeyPair } from './pki/certificates.ts';
import { textResponse } from './request.ts';

const configMaps = '/api/v1/namespaces/n/configmaps';
let api: TestServer;
let listener: Listener;
let url: string;
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

beforeAll(async () => {
  api = await startTestServer();
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  const { options } = await serverOptions(realClock);
  listener = new Listener(options, (asked) => api.server.handle(asked));
  url = `https://127.0.0.1:${(await listener.listen()).port}`;
});

afterAll(async () => {
  agent.destroy();
  await listener.close();
  api.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

interface Given {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

async function http1({ method = 'GET', path, headers, body }: Given): Promise<Answer> {
  const asked = request(url + path, { method, agent, ...(headers && { headers }) });
  asked.end(body);
  const [answer] = await once(asked, 'response');
  return { status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(await answer.toArray()) };
}

async function http2({ method = 'GET', path, headers, body }: Given): Promise<Answer> {
  const session = connect(url, { rejectUnauthorized: false, maxSendHeaderBlockLength: 2 ** 21 });
  try {
    // What the server takes is known with its settings.
    await once(session, 'remoteSettings');
    const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    const [answered] = await once(stream, 'response');
    return { status: answered[':status'], headers: answered, bytes: Buffer.concat(await stream.toArray()) };
  } finally {
    session.close();
  }
}

describe.each([
  ['HTTP/1.1', http1],
  ['HTTP/2', http2],
])('%s', (name, send) => {
  const json = { 'content-type': 'application/json' };

  test('objects in and out, in JSON and in protocol buffers', async () => {
    const body = JSON.stringify({ metadata: { name: `a${name.length}` }, data: { k: 'ä' } });
    expect((await send({ method: 'POST', path: configMaps, headers: json, body })).status).toBe(201);
    const path = `${configMaps}/a${name.length}`;
    const read = await send({ path, headers: { accept: 'application/vnd.kubernetes.protobuf' } });
    expect(decodeProtobuf(read.bytes).value).toMatchObject({ data: { k: 'ä' } });
  });

  test('bodies of any length, which come in one piece or several', async () => {
    for (const length of [1000, 17_000, 60_000, 300_000]) {
      const body = JSON.stringify({ metadata: { name: `l${length}-${name.length}` }, data: { k: 'x'.repeat(length) } });
      expect((await send({ method: 'POST', path: configMaps, headers: json, body })).status).toBe(201);
      // HTTP/2 need not tell how long they are.
      const headers = { ...json, 'content-length': String(body.length) };
      expect((await send({ method: 'POST', path: configMaps, headers, body })).status).toBe(409);
    }
  });

  test('headers of 100 KiB, and long selectors', async () => {
    // Node's HTTP/2 takes 64 KiB for a single one, and some 128 KiB for all.
    const headers = Object.fromEntries([1, 2].map((i) => [`x-long-${i}`, 'x'.repeat(50_000)]));
    expect((await send({ path: configMaps, headers })).status).toBe(200);
    const selector = encodeURIComponent(`name in (${Array.from({ length: 3000 }, (_, i) => `name-${i}`).join(',')})`);
    expect((await send({ path: `${configMaps}?labelSelector=${selector}` })).status).toBe(200);
  });

  test('a body past 3 MiB is 413', async () => {
    const body = `{"metadata":{"name":"big"},"data":{"k":"${'x'.repeat(3 * 1024 * 1024)}"}}`;
    const { status, bytes } = await send({ method: 'POST', path: configMaps, headers: json, body });
    expect(status).toBe(413);
    expect(JSON.parse(bytes.toString())).toMatchObject({
      reason: 'RequestEntityTooLarge',
      message: 'Request entity too large: limit is 3145728',
    });
  });

  test('a body nested thousands deep is 400', async () => {
    const body = `{"metadata":{"name":"deep"},"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    expect((await send({ method: 'POST', path: configMaps, headers: json, body })).status).toBe(400);
  });

  test('HEAD and OPTIONS of resources are not allowed', async () => {
    expect((await send({ method: 'HEAD', path: configMaps })).status).toBe(405);
    expect((await send({ method: 'OPTIONS', path: configMaps })).status).toBe(405);
    expect((await send({ method: 'HEAD', path: '/version' })).status).toBe(405);
    expect((await send({ method: 'HEAD', path: '/api/v1' })).status).toBe(405);
    for (const path of ['/apis', '/apis/apps', '/livez']) {
      expect((await send({ method: 'HEAD', path })).status, path).toBe(200);
    }
  });

  test('/version/ is what clients made from the OpenAPI document ask for', async () => {
    const [plain, generated] = [await send({ path: '/version' }), await send({ path: '/version/' })];
    expect(generated.status).toBe(200);
    expect(generated.bytes).toEqual(plain.bytes);
  });

  test('warnings that are no ASCII', async () => {
    const body = JSON.stringify({ metadata: { name: `w${name.length}` }, ünknown: 1 });
    const { status, headers } = await send({ method: 'POST', path: configMaps, headers: json, body });
    expect(status).toBe(201);
    expect(String(headers.warning)).toContain('299 - "unknown field');
  });

  test('answers past 128 KiB are compressed for who can read that, whole ones and lists in pieces', async () => {
    const value = 'value '.repeat(200);
    const create = (i: number) =>
      api.send('POST', '/api/v1/namespaces/n/secrets', { metadata: { name: `s${i}` }, stringData: { k: value } });
    await Promise.all(Array.from({ length: 300 }, (_, i) => create(i)));
    const headers = { 'accept-encoding': 'gzip' };
    for (const limit of [200, 300]) {
      const path = `/api/v1/namespaces/n/secrets?limit=${limit}`;
      const plain = await send({ path });
      const packed = await send({ path, headers });
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(packed.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(packed.bytes).toString()).toBe(plain.bytes.toString());
    }
    expect((await send({ path: `${configMaps}?limit=1`, headers })).headers['content-encoding']).toBeUndefined();
  });
});

test('a connection of HTTP/1.1 that nobody uses stays open as long as with kube-apiserver', async () => {
  const { headers } = await http1({ path: '/version' });
  expect(headers).toMatchObject({ connection: 'keep-alive', 'keep-alive': 'timeout=90' });
});

test('who vouches for a client certificate, in both versions of HTTP', async () => {
  const { options, clients } = await serverOptions(realClock);
  const seeing = new Listener(options, async ({ clientCertificate }) =>
    textResponse(200, clientCertificate ? `${clientCertificate.commonName} ${clientCertificate.verifiedBy}` : 'none'),
  );
  const port = (await seeing.listen()).port;
  const seen = async (pair: KeyPair | undefined, version: 1 | 2) => {
    const shown = { rejectUnauthorized: false, ...(pair && { cert: pair.certPem, key: pair.keyPem }) };
    if (version === 1) {
      const [answer] = await once(request({ host: '127.0.0.1', port, agent: false, ...shown }).end(), 'response');
      return Buffer.concat(await answer.toArray()).toString();
    }
    const session = connect(`https://127.0.0.1:${port}`, shown);
    const ask = async () => Buffer.concat(await session.request({ ':path': '/' }).toArray()).toString();
    const [first, second] = [await ask(), await ask()];
    session.close();
    expect(second).toBe(first);
    return first;
  };
  for (const version of [1, 2] as const) {
    expect(await seen(undefined, version)).toBe('none');
    expect(await seen(clients.user, version)).toBe('server client');
    expect(await seen(clients.proxy, version)).toBe('server requestHeader');
    for (const pair of [clients.stranger, clients.late, clients.server]) {
      expect(await seen(pair, version)).toBe('server ');
    }
  }
  await seeing.close();
});

test('a client certificate whose time ends while its connection lasts', async () => {
  const clock = new FakeClock(Date.now());
  const { options, clients } = await serverOptions(clock);
  const seeing = new Listener(options, async ({ clientCertificate }) =>
    textResponse(200, `verified by ${clientCertificate?.verifiedBy}`),
  );
  const { port } = await seeing.listen();
  const sessions = [clients.user, clients.brief].map(({ certPem, keyPem }) =>
    connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, cert: certPem, key: keyPem }),
  );
  const ask = () =>
    Promise.all(sessions.map(async (one) => Buffer.concat(await one.request({ ':path': '/' }).toArray()).toString()));
  expect(await ask()).toEqual(['verified by client', 'verified by client']);
  clock.advance(61_000);
  expect(await ask()).toEqual(['verified by client', 'verified by ']);
  for (const session of sessions) session.destroy();
  await seeing.close();
});

test('who speaks HTTP without TLS is told so', async () => {
  const socket = connectTcp(Number(new URL(url).port));
  socket.write('GET /version HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(Buffer.concat(await socket.toArray()).toString()).toBe(
    'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n',
  );
});

test('TLS is not negotiated anew', async () => {
  const socket = connectTls({ port: Number(new URL(url).port), rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  let isRenewed = false;
  socket.renegotiate({}, (error) => {
    isRenewed = error === null;
  });
  socket.resume();
  await closed;
  expect(isRenewed).toBe(false);
});

test('a resumed TLS session brings the certificate of the first, and who vouches for it', async () => {
  const { options, clients } = await serverOptions(realClock);
  const seeing = new Listener(options, async ({ clientCertificate }) =>
    textResponse(200, String(clientCertificate?.verifiedBy)),
  );
  const { port } = await seeing.listen();
  for (const [pair, expected] of [
    [clients.user, 'client'],
    [clients.proxy, 'requestHeader'],
    [clients.stranger, ''],
  ] as const) {
    // An agent that keeps no connections keeps their sessions.
    const resuming = new Agent({ keepAlive: false, rejectUnauthorized: false, cert: pair.certPem, key: pair.keyPem });
    const seen: [string, boolean][] = [];
    for (let i = 0; i < 3; i++) {
      const asked = request({ host: '127.0.0.1', port, agent: resuming });
      const [socket] = await once(asked.end(), 'socket');
      const [answer] = await once(asked, 'response');
      seen.push([Buffer.concat(await answer.toArray()).toString(), (socket as TLSSocket).isSessionReused()]);
    }
    resuming.destroy();
    expect(seen).toEqual([
      [expected, false],
      [expected, true],
      [expected, true],
    ]);
  }
  await seeing.close();
});

test('a watch over HTTP/2 sends changes as they happen, beside other requests of its session', async () => {
  const session = connect(url, { rejectUnauthorized: false });
  const stream = session.request({ ':path': `${configMaps}?watch=1&fieldSelector=metadata.name%3Dwatched` });
  await once(stream, 'response');
  const body = JSON.stringify({ metadata: { name: 'watched' } });
  const post = session.request({ ':method': 'POST', ':path': configMaps, 'content-type': 'application/json' });
  post.end(body);
  const [chunk] = await once(stream, 'data');
  expect(JSON.parse(chunk.toString())).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'watched' } } });
  stream.close();
  session.destroy();
});

test('a watch over HTTP/2 whose client stops reading has everything when it reads on', async () => {
  const session = connect(url, { rejectUnauthorized: false });
  await api.send('POST', configMaps, { metadata: { name: 'stalled' } });
  const fieldSelector = 'fieldSelector=metadata.name%3Dstalled';
  const stream = session.request({ ':path': `${configMaps}?watch=1&resourceVersion=0&${fieldSelector}` });
  await once(stream, 'response');
  // Many times what the stream's window has room for.
  const values = Array.from({ length: 50 }, (_, i) => `${i}-${'x'.repeat(20_000)}`);
  for (const k of values)
    await api.send('PUT', `${configMaps}/stalled`, { metadata: { name: 'stalled' }, data: { k } });
  const seen: string[] = [];
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) seen.push(JSON.parse(line).object.data?.k);
    if (seen.length > values.length) break;
  }
  expect(seen.slice(1)).toEqual(values);
  session.destroy();
});

test('watches over HTTP/1.1 end after their events, and the connection serves on', async () => {
  const one = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  const asked = (path: string) => request(url + path, { agent: one });
  try {
    const watching = asked(
      `${configMaps}?watch=1&resourceVersion=0&timeoutSeconds=30&fieldSelector=metadata.name%3Dtold`,
    );
    const answer: IncomingMessage = (await once(watching.end(), 'response'))[0];
    expect(answer.headers['transfer-encoding']).toBe('chunked');
    await api.send('POST', configMaps, { metadata: { name: 'told' }, data: { k: 'ä' } });
    await api.send('DELETE', `${configMaps}/told`);
    const pieces: Buffer[] = [];
    const whole = new Promise<string>((resolve, reject) => {
      answer.on('data', (piece: Buffer) => {
        pieces.push(piece);
        if (Buffer.concat(pieces).includes('DELETED')) api.clock.advance(30_000);
      });
      answer.once('end', () => resolve(Buffer.concat(pieces).toString()));
      answer.once('error', reject);
    });
    const events = (await whole).trim().split('\n');
    expect(events.map((event) => JSON.parse(event).type)).toEqual(['ADDED', 'DELETED']);
    expect(events[0]).toContain('"k":"ä"');
    const next = asked('/version');
    next.end();
    const [version] = await once(next, 'response');
    expect(version.statusCode).toBe(200);
    expect(next.reusedSocket).toBe(true);
    version.resume();
  } finally {
    one.destroy();
  }
});

test('bodies that nobody reads are let go of: a session of HTTP/2 has room for those that follow', async () => {
  const session = connect(url, { rejectUnauthorized: false });
  const send = async (method: string, path: string) => {
    const stream = session.request({ ':method': method, ':path': path, 'content-type': 'application/json' });
    stream.end('x'.repeat(100_000));
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    await once(stream.resume(), 'close');
    return headers[':status'];
  };
  for (let i = 0; i < 10; i++) {
    expect(await send('POST', '/nothing')).toBe(404);
    expect(await send('PUT', configMaps)).toBe(405);
  }
  session.destroy();
});

test('HTTP/2: a body that is sent once the server asks to go on; other expectations, and tunnels, are refused', async () => {
  const session = connect(url, { rejectUnauthorized: false });
  const statusOf = async (stream: ClientHttp2Stream) => {
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    stream.resume();
    return headers[':status'];
  };
  const head = { ':method': 'POST', ':path': configMaps, 'content-type': 'application/json' };
  for (const expectation of ['100-continue', '100-Continue']) {
    const waiting = session.request({ ...head, expect: expectation });
    await once(waiting, 'continue');
    waiting.end(JSON.stringify({ metadata: { generateName: 'awaited-' } }));
    expect(await statusOf(waiting)).toBe(201);
  }
  expect(await statusOf(session.request({ ...head, expect: 'wonders' }).end('{}'))).toBe(417);
  expect(await statusOf(session.request({ ':method': 'CONNECT', ':authority': 'elsewhere:80' }))).toBe(405);
  session.destroy();
});

test('a client that asks and takes back without end is cut off, and others are served', async () => {
  const session = connect(url, { rejectUnauthorized: false });
  session.on('error', () => {});
  const closed = new Promise((resolve) => session.once('close', resolve));
  let asked = 0;
  while (!session.closed && !session.destroyed) {
    const stream = session.request({ ':path': '/version' });
    stream.on('error', () => {});
    stream.close(constants.NGHTTP2_CANCEL);
    if (asked++ % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  expect(asked).toBeGreaterThan(500);
  expect((await http2({ path: '/version' })).status).toBe(200);
});

test('a request that is being answered when the server ends gets its answer; a stream is cut', async () => {
  const { options } = await serverOptions(realClock);
  const [arrived, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ending = new Listener(options, async ({ path }) => {
    if (path === '/stream') return { status: 200, headers: {}, body: { pushTo: () => new Promise<void>(() => {}) } };
    arrived.resolve();
    await answer.promise;
    return { status: 200, headers: {}, body: 'done' };
  });
  const base = `https://127.0.0.1:${(await ending.listen()).port}`;
  const get = async (path: string) => {
    const asked = request(new URL(path, base), { rejectUnauthorized: false, agent: false }).end();
    const [response] = await once(asked, 'response');
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return text;
  };
  const stream = get('/stream').catch(() => {});
  const slow = get('/slow');
  await arrived.promise;
  const closed = ending.close();
  answer.resolve();
  expect(await slow).toBe('done');
  await closed;
  await stream;
});

test('a compressed body that breaks off ends its answer, and one whose client leaves is let go of', async () => {
  const { options } = await serverOptions(realClock);
  const letGo = Promise.withResolvers<void>();
  async function* body(path: string) {
    try {
      for (;;) {
        yield 'x'.repeat(100_000);
        if (path === '/broken') throw new Error('no more');
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      if (path === '/endless') letGo.resolve();
    }
  }
  const serving = new Listener(options, async ({ path }) => {
    return { status: 200, headers: {}, body: body(path), isCompressible: true };
  });
  const base = `https://127.0.0.1:${(await serving.listen()).port}`;
  const get = async (path: string): Promise<IncomingMessage> => {
    const headers = { 'accept-encoding': 'gzip' };
    const asked = request(new URL(path, base), { rejectUnauthorized: false, agent: false, headers }).end();
    return (await once(asked, 'response'))[0];
  };
  await expect((await get('/broken')).toArray()).rejects.toThrow('aborted');
  (await get('/endless')).destroy();
  await letGo.promise;
  await serving.close();
});

test('a client that is silent does not hold up the end of the server', async () => {
  const { options } = await serverOptions(realClock);
  const ending = new Listener(options, async () => textResponse(200, 'ok'));
  const { port } = await ending.listen();
  const sockets = [connectTcp(port), connectTls({ port, rejectUnauthorized: false })];
  await Promise.all([once(sockets[0]!, 'connect'), once(sockets[1]!, 'secureConnect')]);
  const closed = sockets.map((socket) => once(socket.on('error', () => {}).resume(), 'close'));
  await ending.close();
  await Promise.all(closed);
});

test('the body of a client that is gone is an error, even when it is asked for late', async () => {
  const { options } = await serverOptions(realClock);
  const arrived = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<string>();
  const left = new Listener(options, async (asked) => {
    const gone = once(asked.signal, 'abort');
    arrived.resolve();
    await gone;
    await Promise.resolve(asked.body()).then(
      () => outcome.resolve('a body'),
      (error: Error) => outcome.resolve(error.message),
    );
    return textResponse(200, 'ok');
  });
  const { port } = await left.listen();
  const headers = { 'content-length': '10' };
  const asked = request({ port, method: 'POST', headers, rejectUnauthorized: false, agent: false });
  asked.on('error', () => {});
  asked.write('half');
  await arrived.promise;
  asked.destroy();
  expect(await outcome.promise).toBe('the client went away before its request was whole');
  await left.close();
});

describe('a client that closes its half of the connection', () => {
  async function connected(to: string, protocol: string): Promise<TLSSocket> {
    const socket = connectTls({ port: Number(new URL(to).port), rejectUnauthorized: false, ALPNProtocols: [protocol] });
    await once(socket, 'secureConnect');
    return socket;
  }
  const head = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
  const textOf = async (socket: TLSSocket) => Buffer.concat(await socket.toArray()).toString();

  test('is answered, and what it asked for knows that it waits for nothing else', async () => {
    const { options } = await serverOptions(realClock);
    const patient = new Listener(options, async ({ signal }) => {
      if (!signal.aborted) await once(signal, 'abort');
      return textResponse(200, 'after its end');
    });
    const socket = await connected(`https://127.0.0.1:${(await patient.listen()).port}`, 'http/1.1');
    socket.end(head('/'));
    const text = await textOf(socket);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).toMatch(/after its end$/);
    await patient.close();
  });

  test('gets a long list whole', async () => {
    const data = { k: 'x'.repeat(900_000) };
    for (let i = 0; i < 4; i++) await api.send('POST', configMaps, { metadata: { name: `long-${i}` }, data });
    const socket = await connected(url, 'http/1.1');
    socket.end(head(configMaps));
    const text = await textOf(socket);
    expect(text.length).toBeGreaterThan(3_600_000);
    expect(text).toMatch(/\r\n0\r\n\r\n$|\}\n?$/);
    for (let i = 0; i < 4; i++) await api.send('DELETE', `${configMaps}/long-${i}`);
  });

  test('has its watch ended in order', async () => {
    const socket = await connected(url, 'http/1.1');
    socket.write(head(`${configMaps}?watch=1`));
    await once(socket, 'readable');
    socket.end();
    expect(await textOf(socket)).toMatch(/\r\n0\r\n\r\n$/);
  });

  test('is let go of with HTTP/2', async () => {
    const socket = await connected(url, 'h2');
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    // Settings, of which there are none.
    socket.end(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    await once(socket.resume(), 'close');
  });
});

test('the signal of a request is aborted when its stream of HTTP/2 was closed before anybody asked for it', async () => {
  const { options } = await serverOptions(realClock);
  const [arrived, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const isAborted = Promise.withResolvers<boolean>();
  const late = new Listener(options, async (asked) => {
    if (asked.path === '/other') return textResponse(200, 'ok');
    arrived.resolve();
    await gate.promise;
    isAborted.resolve(asked.signal.aborted);
    return textResponse(200, 'ok');
  });
  const session = connect(`https://127.0.0.1:${(await late.listen()).port}`, { rejectUnauthorized: false });
  const closed = session.request({ ':path': '/' }).on('error', () => {});
  await arrived.promise;
  closed.close(constants.NGHTTP2_CANCEL);
  // What comes after it on the connection is answered after it was read.
  await once(session.request({ ':path': '/other' }).resume(), 'end');
  gate.resolve();
  expect(await isAborted.promise).toBe(true);
  session.destroy();
  await late.close();
});

test('a connection of HTTP/2 that is to be made anew ends after what was asked on it', async () => {
  const { options } = await serverOptions(realClock);
  let isGoing = false;
  const going = new Listener({ ...options, isGoingAway: () => isGoing }, async () => textResponse(200, 'ok'));
  const session = connect(`https://127.0.0.1:${(await going.listen()).port}`, { rejectUnauthorized: false });
  const status = async () => {
    const stream = session.request({ ':path': '/' });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    stream.resume();
    await once(stream, 'end');
    return headers[':status'];
  };
  expect(await status()).toBe(200);
  expect(session.closed).toBe(false);
  isGoing = true;
  const ended = once(session, 'close');
  expect(await status()).toBe(200);
  await ended;
  await going.close();
});

test('a port that is taken is told with its address; a name is listened on as well as an address', async () => {
  const { options } = await serverOptions(realClock);
  const port = Number(new URL(url).port);
  const refused = { code: 'EADDRINUSE', address: '127.0.0.1', port };
  const handler = async () => textResponse(200, 'ok');
  await expect(new Listener({ ...options, port }, handler).listen()).rejects.toMatchObject(refused);
  const named = new Listener({ ...options, host: 'localhost' }, handler);
  expect((await named.listen()).port).toBeGreaterThan(0);
  await named.close();
});
