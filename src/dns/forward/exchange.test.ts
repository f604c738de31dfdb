import { afterEach, expect, test } from 'vitest';
import { selfSigned } from '../../client/fake/self-signed.ts';
import type { Clock } from '../../system/clock.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { realRandom } from '../../system/real/random.ts';
import { answersOf } from '../fake/ask.ts';
import {
  type Asked,
  type Say,
  startUpstream,
  type UpstreamServer,
  type UpstreamServerOptions,
} from '../fake/upstream-server.ts';
import { encodeMessage } from '../wire/encode.ts';
import { type Message, RCODE, TYPE } from '../wire/message.ts';
import { Exchange } from './exchange.ts';
import { queryMessage } from './query.ts';
import type { Upstream } from './upstream.ts';

const question = { name: 'www.example.com.', type: TYPE.A, class: 1 };
const found = ({ question: { name } }: Asked): Partial<Message> => ({
  answers: [{ name, ttl: 60, data: { type: 'A', address: '198.51.100.7' } }],
});

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Time stands still, unless a test moves it: a busy machine is in no hurry. */
async function setUp(options: UpstreamServerOptions, ca?: string, clock: Clock = new FakeClock()) {
  const server: UpstreamServer = await startUpstream(options);
  const exchange = new Exchange({ clock, random: realRandom, ca });
  closing.push(() => exchange.close(), server.close);
  const plain: Upstream = { protocol: 'dns', address: '127.0.0.1', port: server.port };
  const secure: Upstream = { protocol: 'tls', address: '127.0.0.1', port: server.tlsPort };
  return { server, exchange, plain, secure };
}

test('every question leaves from a port, with an id and in a case of its own', async () => {
  const { server, exchange, plain } = await setUp({ say: found });
  for (let i = 0; i < 30; i++) expect(answersOf(await exchange.ask(plain, question))).toEqual(['198.51.100.7']);
  expect(new Set(server.asked.map(({ port }) => port)).size).toBeGreaterThan(20);
  expect(new Set(server.asked.map(({ id }) => id)).size).toBeGreaterThan(25);
  expect(new Set(server.asked.map((asked) => asked.question.name)).size).toBeGreaterThan(25);
  expect(server.asked.every(({ transport }) => transport === 'udp')).toBe(true);
});

test('the case that a question left in is not seen in names of its reply', async () => {
  const { exchange, plain } = await setUp({
    say: ({ question: { name } }) => ({
      answers: [{ name, ttl: 60, data: { type: 'CNAME', target: name.replace(/^[^.]+/, 'web') } }],
      authority: [
        {
          name: name.slice(4),
          ttl: 60,
          // MX, whose data is carried as it came.
          data: { type: 'opaque', code: 15, bytes: Buffer.from([0, 10, 0xc0, 16]) },
        },
      ],
    }),
  });
  const asked = { ...question, name: 'www.Example.com.' };
  const reply = await exchange.ask(plain, asked);
  expect(reply.question).toEqual(asked);
  expect(reply.answers).toEqual([
    { name: 'www.Example.com.', ttl: 60, data: { type: 'CNAME', target: 'web.Example.com.' } },
  ]);
  expect(reply.authority[0]).toMatchObject({ name: 'Example.com.' });
  const { data } = reply.authority[0]!;
  expect('bytes' in data && Buffer.from(data.bytes).toString('latin1')).toBe('\0\n\x07Example\x03com\0');
});

test('every question asks whether signatures were found good', async () => {
  // The server repeats the flags of the question.
  const { exchange, plain } = await setUp({ say: found });
  expect(await exchange.ask(plain, question)).toMatchObject({ authenticData: true, recursionDesired: true });
});

test('what was cut is asked again over TCP, on one connection', async () => {
  const { server, exchange, plain } = await setUp({
    say: (asked) => (asked.transport === 'udp' ? { truncated: true } : found(asked)),
  });
  const replies = await Promise.all(Array.from({ length: 5 }, () => exchange.ask(plain, question)));
  for (const reply of replies) expect(answersOf(reply)).toEqual(['198.51.100.7']);
  const overTcp = server.asked.filter(({ transport }) => transport === 'tcp');
  expect(overTcp).toHaveLength(5);
  expect(new Set(overTcp.map(({ port }) => port)).size).toBe(1);
});

test('what was cut in the middle of a record is asked again over TCP', async () => {
  const whole = (asked: Asked) => {
    const reply = { ...queryMessage(asked.id, asked.question), ...found(asked), response: true, truncated: true };
    return encodeMessage(reply);
  };
  const { exchange, plain } = await setUp({
    say: (asked) => (asked.transport === 'udp' ? whole(asked).subarray(0, -20) : found(asked)),
  });
  expect(answersOf(await exchange.ask(plain, question))).toEqual(['198.51.100.7']);
});

test.each([
  ['repeats the question', {}],
  ['repeats nothing of it', { question: undefined }],
])('a server that knows no EDNS and %s is asked without', async (_, parts) => {
  const { server, exchange, plain } = await setUp({
    say: (asked) => (asked.edns ? { ...parts, rcode: RCODE.FORMERR, edns: undefined } : found(asked)),
  });
  expect(answersOf(await exchange.ask(plain, question))).toEqual(['198.51.100.7']);
  expect(server.asked.map(({ edns }) => edns !== undefined)).toEqual([true, false]);
});

test.each<[string, (message: Partial<Message>) => Partial<Message>]>([
  ['with another id', (reply) => ({ ...reply, id: (reply.id ?? 0) ^ 1 })],
  ['to another name', (reply) => ({ ...reply, question: { ...question, name: 'other.example.com.' } })],
  ['to another type', (reply) => ({ ...reply, question: { ...question, type: TYPE.TXT } })],
  ['that is no reply', (reply) => ({ ...reply, response: false })],
])('a forged reply %s is passed over', async (_, forge) => {
  const { server, exchange, plain } = await setUp({
    say: ({ question: asked, id }) => {
      const reply = (address: string) => ({
        id,
        question: asked,
        answers: [{ name: asked.name, ttl: 60, data: { type: 'A', address } as const }],
      });
      return [forge(reply('203.0.113.66')), reply('198.51.100.7')];
    },
  });
  expect(answersOf(await exchange.ask(plain, question))).toEqual(['198.51.100.7']);
  expect(server.asked).toHaveLength(1);
});

test('a reply in another case than asked is believed over TCP only', async () => {
  const { server, exchange, plain } = await setUp({
    say: (asked) => {
      const lower = { ...asked.question, name: asked.question.name.toLowerCase() };
      const address = asked.transport === 'udp' ? '203.0.113.66' : '198.51.100.7';
      return { question: lower, answers: [{ name: lower.name, ttl: 60, data: { type: 'A', address } }] };
    },
  });
  expect(answersOf(await exchange.ask(plain, question))).toEqual(['198.51.100.7']);
  expect(server.asked.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
});

test('a server that keeps no case and is silent over TCP is asked in lower case', async () => {
  const clock = new FakeClock();
  const say: Say = (asked) => {
    const lower = { ...asked.question, name: asked.question.name.toLowerCase() };
    if (asked.transport === 'udp') return { ...found(asked), question: lower };
    clock.advance(60_000);
    return undefined;
  };
  const { server, exchange, plain } = await setUp({ say }, undefined, clock);
  // So many letters are never all thrown small.
  const letters = { ...question, name: `${'a'.repeat(60)}.example.` };
  expect(answersOf(await exchange.ask(plain, letters))).toEqual(['198.51.100.7']);
  expect(server.asked.map(({ transport }) => transport)).toEqual(['udp', 'tcp', 'udp']);
});

test('over TLS: several questions on one connection, to a server whose certificate is right', async () => {
  const tls = await selfSigned('127.0.0.1');
  const { server, exchange, secure } = await setUp({ say: found, tls }, tls.cert);
  const replies = await Promise.all(Array.from({ length: 8 }, () => exchange.ask(secure, question)));
  for (const reply of replies) expect(answersOf(reply)).toEqual(['198.51.100.7']);
  expect(server.asked.every(({ transport }) => transport === 'tls')).toBe(true);
  expect(new Set(server.asked.map(({ port }) => port)).size).toBe(1);
});

test('over TLS: nobody else is asked', async () => {
  const tls = await selfSigned('127.0.0.1');
  const other = await selfSigned('127.0.0.1');
  const { server, exchange, secure } = await setUp({ say: found, tls }, other.cert);
  await expect(exchange.ask(secure, question)).rejects.toThrow(/certificate/);
  const named = await setUp({ say: found, tls }, tls.cert);
  await expect(named.exchange.ask({ ...named.secure, serverName: 'dns.example' }, question)).rejects.toThrow(
    /dns.example/,
  );
  expect([...server.asked, ...named.server.asked]).toEqual([]);
});

test('a server that is not there fails as such, not by the time for a reply', async () => {
  const { server, exchange, plain } = await setUp({ say: found });
  await server.close();
  closing.pop();
  await expect(exchange.ask(plain, question)).rejects.toThrow('ECONNREFUSED');
});

test('a name that fits into no message is refused, and the next question goes out', async () => {
  const { exchange, plain } = await setUp({ say: found });
  const long = { ...question, name: `${'a'.repeat(64)}.example.` };
  for (const upstream of [plain, { ...plain, protocol: 'tls' as const }]) {
    await expect(exchange.ask(upstream, long)).rejects.toThrow('a label of 64 bytes');
  }
  expect(answersOf(await exchange.ask(plain, question))).toEqual(['198.51.100.7']);
});

test('a connection that breaks is made anew', async () => {
  const { server, exchange, plain } = await setUp({
    say: (asked) => (asked.transport === 'udp' ? { truncated: true } : found(asked)),
  });
  await exchange.ask(plain, question);
  await server.close();
  closing.pop();
  await expect(exchange.ask(plain, question)).rejects.toThrow();
  const again = await startUpstream({ say: found, port: server.port });
  closing.push(again.close);
  expect(answersOf(await exchange.ask(plain, question))).toEqual(['198.51.100.7']);
});
