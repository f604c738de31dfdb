// What a client of HTTP/1.1 gets that sends more than a request at a time, or what is none. Compared with Go's net/http.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { realClock } from '../system/real/clock.ts';
import { serverOptions } from './fake/server-options.ts';
import { type Handler, Listener } from './listener.ts';
import { type ApiResponse, textResponse } from './request.ts';

let port: number;
let listener: Listener;
/** By path; any other path answers its method, its path and how long its body is. */
const handlers = new Map<string, Handler>();
const asked: string[] = [];

beforeAll(async () => {
  const { options } = await serverOptions(realClock);
  listener = new Listener(options, async (request) => {
    asked.push(request.path);
    const handler = handlers.get(request.path);
    if (handler) return handler(request);
    return textResponse(200, `${request.method} ${request.path} ${(await request.body()).length}`);
  });
  port = (await listener.listen()).port;
});

afterAll(() => listener.close());

async function connected(to = port): Promise<TLSSocket> {
  const socket = connectTls({ port: to, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  return socket;
}

/** Status and body of each answer, all that have a length. */
function answersIn(text: string): string[] {
  const answers: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const [head, status] = /^HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n/.exec(rest) ?? [];
    if (head === undefined) throw new Error(`no answer: ${rest.slice(0, 100)}`);
    const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
    const end = length === undefined ? rest.length : head.length + Number(length);
    answers.push(`${status} ${rest.slice(head.length, end)}`.trim());
    rest = rest.slice(end);
  }
  return answers;
}

const textOf = async (socket: TLSSocket) => Buffer.concat(await socket.toArray()).toString();
const send = async (bytes: string) => {
  const socket = await connected();
  socket.write(bytes);
  return answersIn(await textOf(socket));
};
/** With these a request is not plain: Node's server reads it, and all that follow. */
const twice = 'X-Twice: 1\r\nX-Twice: 2\r\n';
const ways = [
  ['plain', ''],
  ['read by Node.js', twice],
] as const;
const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const last = get('/last', 'Connection: close\r\n');

/** A path that is answered when that is said. */
function slow(path: string) {
  const [arrived, answer] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
  handlers.set(path, async ({ signal }) => {
    arrived.resolve(signal);
    await answer.promise;
    return textResponse(200, `${path}, at last`);
  });
  return { arrived: arrived.promise, answer: answer.resolve };
}

test.each(ways)('requests that come together are served one after the other: %s', async (_, headers) => {
  const { arrived, answer } = slow('/first');
  asked.length = 0;
  const socket = await connected();
  socket.write(get('/first', headers) + get('/second') + last);
  await arrived;
  // Another connection is served meanwhile, and with it all that could have been.
  await send(get('/other', 'Connection: close\r\n'));
  expect(asked).toEqual(['/first', '/other']);
  answer();
  expect(answersIn(await textOf(socket))).toEqual(['200 /first, at last', '200 GET /second 0', '200 GET /last 0']);
  expect(asked).toEqual(['/first', '/other', '/second', '/last']);
});

describe.each(ways)('what cannot be read waits for the answers before it: %s', (_way, headers) => {
  const long = 'x'.repeat(1_200_000);
  test.each([
    ['no request', 'NONE\r\n\r\n', ['400']],
    ['a head that is too long', get('/', `A: ${long}\r\n`), ['431']],
    ['a line that is too long', get(`/${long}`), ['431']],
    ['too many hosts', get('/', 'Host: y\r\n'), ['400 400 Bad Request: too many Host headers']],
    ['a chunk that is none', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', ['400']],
    [
      'two ways to say a length',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      ['400'],
    ],
    ['more than was to come', last + get('/more'), ['200 GET /last 0']],
  ])('%s', async (_, behind, refusal) => {
    const { arrived, answer } = slow('/before');
    const socket = await connected();
    socket.write(get('/before', headers) + behind);
    await arrived;
    await send(last);
    answer();
    expect(answersIn(await textOf(socket))).toEqual(['200 /before, at last', ...refusal]);
  });

  test('and alone comes to its client, which is still sending', async () => {
    expect(await send(get('/', `${headers}A: ${long}\r\n`))).toEqual(['431']);
    expect(await send('A'.repeat(300_000))).toEqual(['400']);
  });
});

test('the body of a request that breaks off is an error to who reads it', async () => {
  const outcome = Promise.withResolvers<string>();
  handlers.set('/read', async (request) => {
    await Promise.resolve(request.body()).catch((error: Error) => outcome.resolve(error.message));
    return textResponse(200, 'ok');
  });
  const head = 'POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
  expect(await send(`${head}5\r\nhello\r\nzz\r\n`)).toEqual(['400']);
  expect(await outcome.promise).toBe('the client went away before its request was whole');
});

test.each(ways)('no request is served behind an answer that ends the connection: %s', async (_, headers) => {
  handlers.set('/end', async () => ({ status: 200, headers: { connection: 'close' }, body: 'the end' }));
  asked.length = 0;
  expect(await send(get('/end', headers) + get('/never'))).toEqual(['200 the end']);
  await send(last);
  expect(asked).toEqual(['/end', '/last']);
});

const tunnel = 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n';

test('CONNECT is refused', async () => {
  expect(await send(tunnel)).toEqual(['405 405 Method Not Allowed']);
});

test.each([
  ['CONNECT', tunnel],
  ['more than anybody needs', get('/').repeat(1100)],
])('a connection ends with what is under way, which hears of it: %s', async (_, behind) => {
  const { arrived } = slow('/watch');
  const socket = await connected();
  socket.write(get('/watch', twice));
  const signal = await arrived;
  socket.write(get('/never') + behind);
  if (!signal.aborted) await once(signal, 'abort');
  expect(await textOf(socket)).toBe('');
  expect(asked).not.toContain('/never');
});

test('what waits behind a plain request does not hide that its client leaves', async () => {
  const { arrived, answer } = slow('/waiting');
  asked.length = 0;
  const socket = await connected();
  socket.write(get('/waiting'));
  const signal = await arrived;
  socket.write(get('/next') + get('/twice', twice));
  socket.end(last);
  if (!signal.aborted) await once(signal, 'abort');
  expect(asked).toEqual(['/waiting']);
  answer();
  const answers = ['200 /waiting, at last', '200 GET /next 0', '200 GET /twice 0', '200 GET /last 0'];
  expect(answersIn(await textOf(socket))).toEqual(answers);
});

describe('of who sends without end and waits for nothing', () => {
  const many = 2000;
  const request = get('/again', `X-Long: ${'x'.repeat(12_000)}\r\n`);

  test('no more is read than a little, and all is answered', async () => {
    const { arrived, answer } = slow('/endless');
    const socket = await connected();
    socket.write(get('/endless'));
    await arrived;
    // More than what lies between the two holds.
    socket.write(request.repeat(many));
    // Another connection is served meanwhile, and of this one all could have been taken.
    await send(last);
    expect(socket.writableLength).toBeGreaterThan(0);
    answer();
    socket.write(last);
    expect(answersIn(await textOf(socket))).toHaveLength(many + 2);
  });

  test('no more is read for what is answered meanwhile', async () => {
    const [first, second] = [slow('/before-many'), slow('/behind-many')];
    const socket = await connected();
    socket.write(get('/before-many'));
    await first.arrived;
    socket.write(get('/q').repeat(many) + get('/behind-many') + request.repeat(many));
    first.answer();
    await second.arrived;
    expect(socket.writableLength).toBeGreaterThan(0);
    second.answer();
    socket.write(last);
    expect(answersIn(await textOf(socket))).toHaveLength(2 * many + 3);
  });

  test('nothing is answered that takes long', async () => {
    const clock = new FakeClock();
    const { options } = await serverOptions(clock);
    const arrived = Promise.withResolvers<AbortSignal>();
    const other = new Listener({ ...options, clock }, async ({ signal }) => {
      arrived.resolve(signal);
      return { status: 200, headers: {}, body: { pushTo: () => new Promise<void>(() => {}) } };
    });
    const socket = await connected((await other.listen()).port);
    const closed = once(socket, 'close').catch(() => {});
    socket.on('error', () => {});
    socket.resume();
    socket.write(get('/watch'));
    const signal = await arrived.promise;
    socket.write(request.repeat(many));
    while (!signal.aborted) {
      clock.advance(32_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    await other.close();
  });
});

test('what comes in pieces is let go of where the connection closed before the answer began', async () => {
  const { promise: returned, resolve } = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<AbortSignal>();
  const answer = Promise.withResolvers<void>();
  async function* endless() {
    try {
      for (;;) yield 'a'.repeat(1000);
    } finally {
      resolve();
    }
  }
  handlers.set('/pieces', async ({ signal }) => {
    arrived.resolve(signal);
    await answer.promise;
    return { status: 200, headers: {}, body: endless() };
  });
  const socket = await connected();
  socket.write(get('/pieces'));
  const signal = await arrived.promise;
  socket.destroy();
  if (!signal.aborted) await once(signal, 'abort');
  await send(last);
  answer.resolve();
  await returned;
});

test.each([
  ['is none for Node.js, which has read it by then', twice, 'none'],
  ['is one behind a plain request', '', 'an upgrade'],
])('an upgrade behind another request comes in its turn and %s', async (_, headers, answered) => {
  const { arrived, answer } = slow('/early');
  handlers.set('/upgrade', async ({ upgrade }) => textResponse(200, upgrade ? 'an upgrade' : 'none'));
  const upgrade = get('/upgrade', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
  const socket = await connected();
  socket.write(get('/early', headers) + upgrade);
  await arrived;
  answer();
  expect(answersIn(await textOf(socket))).toEqual(['200 /early, at last', `200 ${answered}`]);
  // Behind what was answered it is one.
  const other = await connected();
  other.write(get('/'));
  await once(other, 'readable');
  other.read();
  other.write(upgrade);
  expect(answersIn(await textOf(other))).toEqual(['200 an upgrade']);
});

async function* inPieces(...pieces: readonly (string | Uint8Array)[]) {
  yield* pieces;
}

/** The body, a line, and what is behind it; how many pieces are one chunk is for a server to say. */
function unchunked(bytes: string): string {
  let [body, at] = ['', 0];
  for (;;) {
    const [line, size] = /^([\da-f]+)\r\n/.exec(bytes.slice(at)) ?? [];
    if (line === undefined) return `${body}\nbroken off: ${bytes.slice(at)}`;
    const [from, length] = [at + line.length, Number.parseInt(size!, 16)];
    if (length === 0) return `${body}\n${bytes.slice(from)}`;
    body += bytes.slice(from, from + length);
    at = from + length + 2;
  }
}

describe('answers are those of Node.js', () => {
  const responses: readonly (readonly [string, () => ApiResponse])[] = [
    ['a text', () => textResponse(200, 'grün')],
    ['bytes', () => ({ status: 201, headers: { 'x-a': ['1', '2'] }, body: Buffer.from('grün') })],
    ['nothing', () => textResponse(200, '')],
    ['no body, of 204', () => ({ status: 204, headers: {}, body: '' })],
    ['no body, of 304, whatever there is', () => ({ status: 304, headers: { etag: '"a"' }, body: 'grün' })],
    ['no body in pieces', () => ({ status: 204, headers: { 'x-a': '1' }, body: inPieces() })],
    ['a status without a name', () => textResponse(299, 'a')],
    ['headers that are no ASCII', () => ({ status: 200, headers: { warning: 'gr\xfcn' }, body: 'grün' })],
    ['pieces', () => ({ status: 200, headers: {}, body: inPieces('gr', '', 'ün', Buffer.from('gelb')) })],
    ['no pieces', () => ({ status: 200, headers: {}, body: inPieces() })],
    [
      'pieces of a length that is known, and a date',
      () => ({ status: 200, headers: { 'content-length': '4', date: 'x' }, body: inPieces('ge', 'lb') }),
    ],
    ['a length that is no longer so', () => ({ status: 200, headers: { 'content-length': '9' }, body: 'gelb' })],
    ['the last', () => ({ status: 200, headers: { connection: 'close' }, body: 'gelb' })],
    [
      'the last, in pieces',
      () => ({ status: 200, headers: { connection: 'close', 'x-a': '1' }, body: inPieces('gelb') }),
    ],
    ['what needs an upgrade', () => ({ status: 200, headers: {}, body: { hijack: () => {} } })],
    ['a header of two lines', () => ({ status: 200, headers: { 'x-a': 'a\r\nb' }, body: 'gelb' })],
    ['a header of more than bytes', () => ({ status: 200, headers: { 'x-a': '\u2713' }, body: inPieces('gelb') })],
    [
      'pieces that break off',
      () => ({ status: 200, headers: {}, body: Readable.from(['ge']).map(() => Promise.reject(new Error('broken'))) }),
    ],
  ];

  test.each(responses)('%s', async (_, response) => {
    handlers.set('/answer', async () => response());
    const answerTo = async (headers: string) => {
      const socket = await connected();
      let bytes = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        bytes += chunk;
      });
      // Of what breaks off the end is no orderly one.
      const ended = once(socket, 'close').catch(() => {});
      socket.on('error', () => {});
      socket.write(get('/answer', headers));
      // Behind what is not the last answer there is another.
      socket.write(last);
      await ended;
      const end = bytes.indexOf('\r\n\r\n') + 4;
      const head = bytes
        .slice(0, end)
        .toLowerCase()
        .replace(/date: .* gmt/, 'date: now');
      const body = head.includes('chunked') ? unchunked(bytes.slice(end)) : bytes.slice(end);
      return [head.split('\r\n').sort(), body.replace(/Date: .* GMT/, 'Date: now')];
    };
    expect(await answerTo('')).toEqual(await answerTo(twice));
  });
});

test('the body may come behind its head, in one piece or many, or not at all', async () => {
  const head = 'POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n';
  const answersTo = async (...pieces: string[]) => {
    const socket = await connected();
    for (const piece of pieces) {
      socket.write(piece);
      // Another connection is served meanwhile: the piece has come by then.
      await send(last);
    }
    socket.end();
    return answersIn(await textOf(socket));
  };
  const [answer, after] = ['200 POST /body 6', '200 GET /last 0'];
  expect(await answersTo(head, `abcdef${last}`)).toEqual([answer, after]);
  expect(await answersTo(head, 'a', 'bcde', `f${last}`)).toEqual([answer, after]);
  expect(await answersTo(`${head}abcdef${head}`, 'abcdef', last)).toEqual([answer, answer, after]);
  expect(await answersTo(`${head}abcdef${head}`)).toEqual([answer]);
});

test('a connection is let go of on which nothing was ever asked, or nothing for long; one with a watch is not', async () => {
  const clock = new FakeClock();
  const { options } = await serverOptions(clock);
  const watch = { pushTo: () => new Promise<void>(() => {}) };
  const other = new Listener({ ...options, clock }, async ({ path }) =>
    path === '/watch' ? { status: 200, headers: {}, body: watch } : textResponse(200, 'ok'),
  );
  const to = (await other.listen()).port;
  const answered = async (socket: TLSSocket, path: string) => {
    socket.write(get(path));
    await once(socket, 'readable');
    socket.read();
  };
  const [silent, used, watching] = await Promise.all([connected(to), connected(to), connected(to)]);
  await Promise.all([answered(used, '/'), answered(watching, '/watch')]);
  const closed = once(silent, 'close');
  silent.resume();
  clock.advance(32_000);
  await closed;
  clock.advance(60_000);
  await answered(used, '/');
  const ended = once(used, 'close');
  used.resume();
  clock.advance(180_000);
  await ended;
  expect(watching.readyState).toBe('open');
  watching.destroy();
  await other.close();
});

test('targets in the form for proxies are read as well', async () => {
  const targets = ['https://elsewhere:6443/a?b=c', 'HTTP://x/a', 'http://x', 'http://x?b'];
  const answers = await send(targets.map((target) => get(target)).join('') + last);
  expect(answers).toEqual(['200 GET /a 0', '200 GET /a 0', '200 GET / 0', '200 GET / 0', '200 GET /last 0']);
});

test('of two thousand headers none is lost', async () => {
  handlers.set('/headers', async ({ headers }) => textResponse(200, String(headers['x-1900'])));
  const headers = Array.from({ length: 1901 }, (_, i) => `X-${i}: ${i}\r\n`).join('');
  expect(await send(get('/headers', `${headers}Connection: close\r\n`))).toEqual(['200 1900']);
});
