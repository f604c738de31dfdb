import { duplexPair } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { http } from '../system/http.ts';
import { PlainHeads } from './plain-head.ts';

const read = (bytes: string) => new PlainHeads().read(Buffer.from(bytes, 'latin1'));
const request = (lines: string, body = '') => `POST /a?b=c HTTP/1.1\r\nHost: x\r\n${lines}\r\n${body}`;

test('a request in one piece', () => {
  const bytes = request('Content-Length: 4\r\nX-A:  b c \t\r\nX-Empty:\r\n', 'body');
  const headers = { host: 'x', 'content-length': '4', 'x-a': 'b c', 'x-empty': '' };
  const end = bytes.length;
  expect(read(bytes)).toEqual({ method: 'POST', url: '/a?b=c', headers, bodyStart: end - 4, end });
  expect(read(`${bytes}GET / HTTP`)).toMatchObject({ end });
  expect(read(bytes.slice(0, -2))).toMatchObject({ end });
});

test('the headers of the last request are those of the next where they say the same', () => {
  const heads = new PlainHeads();
  const headersOf = (bytes: string) => heads.read(Buffer.from(bytes))?.headers;
  const first = headersOf('GET /a HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(headersOf('PUT /b HTTP/1.1\r\nHost: x\r\n\r\n')).toBe(first);
  expect(headersOf('PUT /b HTTP/1.1\r\nHost: y\r\n\r\n')).toEqual({ host: 'y' });
});

describe('is for Node.js', () => {
  test.each([
    ['a head that is not whole', 'GET / HTTP/1.1\r\nHost: x\r\n'],
    ['a body in chunks', request('Transfer-Encoding: chunked\r\n', '0\r\n\r\n')],
    ['a length said twice', request('Content-Length: 1\r\nContent-Length: 1\r\n', 'a')],
    ['a length that is none', request('Content-Length: +1\r\n', 'a')],
    ['a body too large', request('Content-Length: 10000000\r\n')],
    ['any header that comes twice', request('X-A: 1\r\nx-a: 2\r\n')],
    ['a header of a name that any object has', request('Constructor: 1\r\n')],
    ['no host', 'GET / HTTP/1.1\r\nX-A: x\r\n\r\n'],
    ['a host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'],
    ['a client that expects something', request('Expect: 100-continue\r\n')],
    ['the last request', request('Connection: close\r\n')],
    ['the last request, as some old clients say it', request('Proxy-Connection: close\r\n')],
    ['an upgrade', request('Connection: Upgrade\r\nUpgrade: websocket\r\n')],
    ['a value that goes on in the next line', request('X-A: a\r\n b\r\n')],
    ['a line that ends with half its end', request('X-A: a\nX-B: b\r\n')],
    ['what is no ASCII', request('X-A: \xe9\r\n')],
    ['a blank before the colon', request('X-A : a\r\n')],
    ['another method', 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['another version', 'GET / HTTP/1.0\r\nHost: x\r\n\r\n'],
    ['a target with a host', 'GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a target with a blank', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a line before the first', '\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a long head', request(`X-A: ${'a'.repeat(20_000)}\r\n`)],
    ['many headers', request(Array.from({ length: 200 }, (_, i) => `X-${i}: a\r\n`).join(''))],
  ])('%s', (_, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });
});

test('blanks without number are looked at once', () => {
  // Where each blank is tried as the value's end this takes a second.
  const bytes = request(`X-A:${' '.repeat(15_000)}\x01\r\n`);
  const started = performance.now();
  for (let i = 0; i < 50; i++) expect(read(bytes)).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(2000);
});

type Read = { method: string | undefined; url: string | undefined; headers: object; body: string };

const seen: Promise<Read | undefined>[] = [];
const server = http.createServer((incoming) => {
  const { method, url, headers } = incoming;
  seen.push(
    buffer(incoming).then(
      (body) => ({ method, url, headers, body: body.toString('latin1') }),
      () => undefined,
    ),
  );
});
afterAll(() => void server.close());

/** As Node's server reads it; undefined where it refuses it. */
async function readByNode(bytes: string): Promise<Read | undefined> {
  seen.length = 0;
  const [client, socket] = duplexPair();
  server.emit('connection', socket);
  client.on('error', () => {});
  await new Promise<void>((resolve) => {
    client.write(Buffer.from(bytes, 'latin1'), () => setImmediate(resolve));
  });
  const first = await seen[0];
  socket.destroy();
  return first;
}

const pieces = fc.constantFrom(
  ...[
    'GET ',
    'POST ',
    'PATCH ',
    '/',
    '/a',
    '?b=c',
    '#d',
    ' HTTP/1.1',
    ' HTTP/1.0',
    '\r\n',
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
  ],
  ...[
    'Host: x',
    'host:y',
    'X-A: b',
    'x-a:\tc',
    'Content-Length: 3',
    'Content-Length: 03',
    'content-length:0',
    'abc',
    ' ',
    '\t',
  ],
  ...[
    'Connection: keep-alive',
    'Connection: close',
    'Transfer-Encoding: chunked',
    ':',
    '\x00',
    '\x7f',
    '\xe9',
    '%',
    '"',
    '^',
  ],
);
const plain = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
    url: fc.string({ unit: fc.constantFrom(...'abc/?=&%#"<>\\^`{|}~[];:@!$\'()*+,-._'.split('')) }),
    lines: fc.array(fc.oneof(pieces, fc.string({ unit: fc.constantFrom(...'aZ0-_:; \t"\\~!'.split('')) })), {
      maxLength: 4,
    }),
    body: fc.constantFrom('', 'abc'),
  })
  .map(({ method, url, lines, body }) => {
    const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
    return `${method} /${url} HTTP/1.1\r\nHost: x\r\n${length}${lines.map((line) => `X${line}\r\n`).join('')}\r\n${body}`;
  });
/** A plain one with something in it. */
const spoilt = fc.tuple(plain, pieces, fc.nat()).map(([bytes, piece, at]) => {
  const place = at % bytes.length;
  return bytes.slice(0, place) + piece + bytes.slice(place);
});

test('what is plain Node.js reads alike', async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        plain,
        spoilt,
        fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
      ),
      async (bytes) => {
        const head = read(bytes);
        if (!head || head.end > bytes.length) return;
        count += 1;
        const { method, url, headers, bodyStart, end } = head;
        expect(await readByNode(bytes.slice(0, end))).toEqual({
          method,
          url,
          headers,
          body: bytes.slice(bodyStart, end),
        });
      },
    ),
    { numRuns: 5000 },
  );
  expect(count).toBeGreaterThan(300);
});
