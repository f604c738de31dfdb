// What clients of HTTP/2 may do to the listener that those of HTTP/1.1 cannot.
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { type StatusError, unauthorized } from '../apimachinery/status.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { realClock } from '../system/real/clock.ts';
import { serverOptions } from './fake/server-options.ts';
import { startTestServer } from './fake/test-server.ts';
import { type Handler, Listener, type ListenerOptions } from './listener.ts';
import { textResponse, type User } from './request.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

/** A session with a listener of that handler. */
async function sessionWith(handler: Handler, more: Partial<ListenerOptions> = {}): Promise<ClientHttp2Session> {
  const { options } = await serverOptions(realClock);
  const listener = new Listener({ ...options, ...more }, handler);
  const { port } = await listener.listen();
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  cleanup.push(
    () => listener.close(),
    () => session.destroy(),
  );
  return session;
}

async function statusOf(stream: ClientHttp2Stream): Promise<unknown> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  return headers[':status'];
}

/** The code with which the stream ends. */
function endOf(stream: ClientHttp2Stream): Promise<number> {
  stream.on('error', () => {});
  return new Promise((resolve) => stream.once('close', () => resolve(stream.rstCode)));
}

test.each([
  ['POST', {}, 404],
  ['HEAD', {}, 404],
  ['POST', { expect: 'wonders' }, 417],
  ['CONNECT', {}, 405],
] as const)(
  '%s %j: a request that never ends does not keep its stream once it is answered',
  async (method, more, status) => {
    const session = await sessionWith(async () => textResponse(404, 'nothing'));
    const head = method === 'CONNECT' ? { ':authority': 'a:80' } : { ':path': '/' };
    const stream = session.request({ ':method': method, ...head, ...more }, { endStream: false });
    const ended = endOf(stream);
    expect(await statusOf(stream)).toBe(status);
    stream.resume();
    expect(await ended).toBe(constants.NGHTTP2_NO_ERROR);
  },
);

test('the answer to a request that never ends is whole, however slowly it is read', async () => {
  const answer = 'x'.repeat(300_000);
  const session = await sessionWith(async () => textResponse(200, answer));
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  stream.write('y'.repeat(60_000));
  expect(await statusOf(stream)).toBe(200);
  expect(await text(stream)).toBe(answer);
});

test('a body that breaks off resets its stream, whoever writes it', async () => {
  async function* pieces() {
    yield 'half';
    throw new Error('no more');
  }
  const pushed = {
    pushTo: async (sink: { write(chunk: string): boolean }) => {
      sink.write('half');
      throw new Error('no more');
    },
  };
  const session = await sessionWith(async ({ path }) => ({
    status: 200,
    headers: {},
    body: path === '/pieces' ? pieces() : pushed,
  }));
  for (const path of ['/pieces', '/pushed']) {
    const stream = session.request({ ':path': path });
    expect(await endOf(stream.resume()), path).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  }
});

test('a body that does not come to its end is waited for no longer than a minute', async () => {
  const clock = new FakeClock();
  const [asked, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<StatusError>()];
  const session = await sessionWith(
    async (request) => {
      const body = Promise.resolve(request.body());
      asked.resolve();
      await body.catch(refused.resolve);
      return textResponse(504, 'too late');
    },
    { clock },
  );
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  const ended = endOf(stream);
  stream.write('half');
  await asked.promise;
  clock.advance(60_000);
  expect((await refused.promise).status).toMatchObject({ code: 504, reason: 'Timeout' });
  expect(await statusOf(stream)).toBe(504);
  stream.resume();
  expect(await ended).toBe(constants.NGHTTP2_NO_ERROR);
});

test('who reads long answers slowly is answered whatever else is asked on the session', async () => {
  const answer = 'x'.repeat(3_000_000);
  const session = await sessionWith(async ({ path }) => textResponse(200, path === '/long' ? answer : 'short'));
  const long = Array.from({ length: 8 }, () => session.request({ ':path': '/long' }));
  await Promise.all(long.map(statusOf));
  const short = session.request({ ':path': '/short' });
  expect(await statusOf(short)).toBe(200);
  expect(await text(short)).toBe('short');
  expect((await Promise.all(long.map((stream) => text(stream)))).every((one) => one === answer)).toBe(true);
});

test('what is asked and taken back in one breath is not looked at', async () => {
  const asked: string[] = [];
  const session = await sessionWith(async ({ path }) => {
    asked.push(path);
    return textResponse(200, 'ok');
  });
  await once(session, 'remoteSettings');
  // Both go out together: the stream has its number as soon as the session is there.
  const taken = session.request({ ':path': '/taken' });
  const ended = endOf(taken);
  taken.close(constants.NGHTTP2_CANCEL);
  await ended;
  expect(await statusOf(session.request({ ':path': '/kept' }))).toBe(200);
  expect(asked).toEqual(['/kept']);
});

test('a client whose requests run out of time keeps its other streams', async () => {
  const session = await sessionWith(async () => textResponse(200, 'ok'));
  await once(session, 'remoteSettings');
  for (let batch = 0; batch < 4; batch++) {
    const ended = Array.from({ length: 500 }, () => {
      const stream = session.request({ ':path': '/' });
      stream.close(constants.NGHTTP2_CANCEL);
      return endOf(stream);
    });
    await Promise.all(ended);
  }
  expect(await statusOf(session.request({ ':path': '/kept' }))).toBe(200);
});

test('an answer that closes its connection ends the session behind it', async () => {
  const session = await sessionWith(async () => ({ status: 200, headers: { connection: 'close' }, body: 'ok' }));
  const closed = once(session, 'close');
  const stream = session.request({ ':path': '/' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  expect(headers.connection).toBeUndefined();
  expect(await text(stream)).toBe('ok');
  await closed;
});

test('who is not known has one request on a session of HTTP/2', async () => {
  const asked = async (authenticate: () => User | undefined, http2: boolean) => {
    const api = await startTestServer({ authenticator: { authenticate } });
    const { headers } = await api.server.handle({
      ...{ method: 'GET', path: '/version', query: new URLSearchParams() },
      headers: http2 ? { ':method': 'GET' } : {},
      body: async () => new Uint8Array(0),
      signal: new AbortController().signal,
    });
    api.stop();
    return headers.connection;
  };
  const refuse = () => {
    throw unauthorized();
  };
  expect(await asked(() => undefined, true)).toBe('close');
  expect(await asked(refuse, true)).toBe('close');
  expect(await asked(() => undefined, false)).toBeUndefined();
  expect(await asked(() => ({ name: 'ann', groups: [] }), true)).toBeUndefined();
});

test('a session that nobody uses is let go of, one with a watch is not', async () => {
  const clock = new FakeClock();
  const watch = { pushTo: () => new Promise<void>(() => {}) };
  const session = await sessionWith(async () => ({ status: 200, headers: {}, body: watch }), { clock });
  const stream = session.request({ ':path': '/' });
  expect(await statusOf(stream)).toBe(200);
  clock.advance(600_000);
  expect(await statusOf(session.request({ ':path': '/' }))).toBe(200);

  const idle = await sessionWith(async () => textResponse(200, 'ok'), { clock });
  const asked = idle.request({ ':path': '/' });
  expect(await text(asked)).toBe('ok');
  const closed = once(idle, 'close');
  clock.advance(90_000);
  expect(await text(idle.request({ ':path': '/' }))).toBe('ok');
  clock.advance(180_000);
  await closed;
});
