import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { ForwardMetrics } from '../metrics/forward-metrics.ts';
import { type Message, RCODE, type ResourceRecord, TYPE } from '../wire/message.ts';
import type { Ask } from './exchange.ts';
import { Forwarder } from './forwarder.ts';
import { LoopToken } from './loop-token.ts';
import { type ForwardQuestion, queryMessage } from './query.ts';
import type { Upstream } from './upstream.ts';

const server = (address: string): Upstream => ({ protocol: 'dns', address, port: 53 });
const question = (name: string, type: number = TYPE.A): ForwardQuestion => ({ name, type, class: 1 });
const replyTo = (asked: ForwardQuestion, parts: Partial<Message> = {}): Message => ({
  ...queryMessage(1, asked),
  response: true,
  answers: [{ name: asked.name, ttl: 60, data: { type: 'A', address: '198.51.100.7' } }],
  ...parts,
});
const soa = (ttl: number, minimum: number): ResourceRecord => ({
  name: 'example.com.',
  ttl,
  data: {
    type: 'SOA',
    primary: 'ns.example.com.',
    mailbox: 'root.example.com.',
    serial: 1,
    refresh: 2,
    retry: 3,
    expire: 4,
    minimum,
  },
});

const alias: ResourceRecord = { name: 'a.example.', ttl: 600, data: { type: 'CNAME', target: 'b.example.' } };
const nameServer = (ttl: number): ResourceRecord => ({
  name: 'example.',
  ttl,
  data: { type: 'NS', target: 'ns.example.' },
});

/** Upstreams by their addresses; what is asked of each, but for checks of health. */
function setUp(servers: Readonly<Record<string, (asked: ForwardQuestion) => Message | Error>>) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const checks: string[] = [];
  const logged: string[] = [];
  const ask: Ask = async ({ address }, one) => {
    (one.name === '.' || one.type === TYPE.HINFO ? checks : asked).push(`${address} ${one.name}`);
    const reply = servers[address]?.(one) ?? new Error('nobody is there');
    if (reply instanceof Error) throw reply;
    return reply;
  };
  const metrics = new ForwardMetrics();
  const loopToken = new LoopToken(new FakeRandom());
  const routes = { upstreams: Object.keys(servers).map(server) };
  const forwarder = new Forwarder({ routes, ask, clock, loopToken, metrics, log: (line) => logged.push(line) });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { forwarder, clock, asked, checks, logged, metrics, loopToken, settle };
}

const good = (asked: ForwardQuestion) => replyTo(asked);
const dead = () => new Error('no answer');

describe('upstreams', () => {
  test('one that fails is followed by the next, and asked last until a check finds it well', async () => {
    let alive = false;
    const { forwarder, clock, asked, checks, settle, logged } = setUp({
      '192.0.2.1': (one) => (alive ? replyTo(one) : dead()),
      '192.0.2.2': good,
    });
    expect(await forwarder.resolve(question('a.example.'))).toMatchObject({ rcode: RCODE.NOERROR });
    await forwarder.resolve(question('b.example.'));
    expect(asked).toEqual(['192.0.2.1 a.example.', '192.0.2.2 a.example.', '192.0.2.2 b.example.']);
    clock.advance(500);
    await settle();
    expect(checks).toEqual(['192.0.2.1 .']);
    await forwarder.resolve(question('c.example.'));
    alive = true;
    clock.advance(500);
    await settle();
    await forwarder.resolve(question('d.example.'));
    expect(asked.slice(3)).toEqual(['192.0.2.2 c.example.', '192.0.2.1 d.example.']);
    expect(logged).toEqual(['upstream 192.0.2.1:53 failed: no answer', 'upstream 192.0.2.1:53 answers again']);
  });

  test('SERVFAIL and REFUSED may be one server’s own trouble', async () => {
    const { forwarder, asked } = setUp({
      '192.0.2.1': (one) => replyTo(one, { rcode: RCODE.SERVFAIL, answers: [] }),
      '192.0.2.2': good,
    });
    expect((await forwarder.resolve(question('a.example.'))).rcode).toBe(RCODE.NOERROR);
    expect(asked).toHaveLength(2);
  });

  test('all down are asked nevertheless, a single one twice', async () => {
    const { forwarder, asked, metrics } = setUp({ '192.0.2.1': dead });
    expect((await forwarder.resolve(question('a.example.'))).rcode).toBe(RCODE.SERVFAIL);
    await forwarder.resolve(question('b.example.'));
    expect(asked).toHaveLength(4);
    expect(metrics.broken.value).toBe(1);
  });

  test('one that leads back here is left out until it does no longer', async () => {
    let loops = true;
    const found = setUp({
      '192.0.2.1': (one) => {
        const answers = (loops && found.loopToken.answerTo(one)) || [];
        return replyTo(one, one.type === TYPE.HINFO ? { answers } : {});
      },
      '192.0.2.2': good,
    });
    const { forwarder, asked, clock, settle, logged } = found;
    await forwarder.checkLoops();
    await forwarder.resolve(question('a.example.'));
    loops = false;
    clock.advance(30_000);
    await settle();
    await forwarder.resolve(question('b.example.'));
    expect(asked).toEqual(['192.0.2.2 a.example.', '192.0.2.1 b.example.']);
    expect(logged[0]).toBe('upstream 192.0.2.1:53 leads back here: it is not asked');
  });

  test('others from the next question on, and what was known stays known', async () => {
    const { forwarder, asked } = setUp({ '192.0.2.1': good });
    await forwarder.resolve(question('a.example.'));
    forwarder.reroute({
      upstreams: [server('192.0.2.9')],
      stubs: new Map([['example.internal.', [server('192.0.2.8')]]]),
    });
    await forwarder.resolve(question('a.example.'));
    await forwarder.resolve(question('x.example.internal.'));
    expect(asked).toEqual(['192.0.2.1 a.example.', '192.0.2.8 x.example.internal.', '192.0.2.8 x.example.internal.']);
    expect(forwarder.stubOf('X.Example.internal.')).toBe('example.internal.');
  });
});

describe('the cache', () => {
  test('keeps an answer for its TTL, counting down, in the case of whoever asks', async () => {
    const { forwarder, clock, asked } = setUp({ '192.0.2.1': good });
    await forwarder.resolve(question('example.com.'));
    clock.advance(45_000);
    const { answers } = await forwarder.resolve(question('Example.COM.'));
    expect(answers).toEqual([{ name: 'Example.COM.', ttl: 15, data: { type: 'A', address: '198.51.100.7' } }]);
    expect(asked).toHaveLength(1);
    clock.advance(15_000);
    await forwarder.resolve(question('example.com.'));
    expect(asked).toHaveLength(2);
  });

  test('keeps an answer neither longer nor shorter where the machine’s time is set', async () => {
    const { forwarder, clock, asked } = setUp({ '192.0.2.1': good });
    for (const ms of [-3_600_000, 3_600_000]) {
      asked.length = 0;
      await forwarder.resolve(question('example.com.'));
      clock.step(ms);
      clock.advance(45_000);
      const { answers } = await forwarder.resolve(question('example.com.'));
      expect([answers[0]?.ttl, asked.length]).toEqual([15, 1]);
      clock.advance(15_000);
    }
  });

  test.each([
    ['NXDOMAIN for the SOA’s minimum', { rcode: RCODE.NXDOMAIN, answers: [], authority: [soa(300, 20)] }, 20],
    ['no data for the SOA’s TTL where that is less', { answers: [], authority: [soa(10, 300)] }, 10],
    ['a denial without SOA not at all', { rcode: RCODE.NXDOMAIN, answers: [] }, 0],
    ['aliases that lead to nothing for the SOA’s minimum', { answers: [alias], authority: [soa(300, 20)] }, 20],
    ['no reply longer than its shortest record', { authority: [nameServer(30)] }, 30],
    ['a failure for five seconds', { rcode: RCODE.SERVFAIL, answers: [] }, 5],
    ['“not implemented” for five seconds', { rcode: RCODE.NOTIMP, answers: [] }, 5],
    ['a refusal not at all', { rcode: RCODE.REFUSED, answers: [] }, 0],
    ['an answer without time not at all', { answers: [{ ...alias, ttl: 0 }] }, 0],
    ['an answer for three hours at most one', {}, 3600],
  ])('keeps %s', async (_, parts, seconds) => {
    const long = [{ name: 'a.example.', ttl: 10_800, data: { type: 'A', address: '192.0.2.9' } as const }];
    const { forwarder, clock, asked } = setUp({ '192.0.2.1': (one) => replyTo(one, { answers: long, ...parts }) });
    await forwarder.resolve(question('a.example.'));
    if (seconds > 0) {
      clock.advance(seconds * 1000 - 1);
      await forwarder.resolve(question('a.example.', TYPE.A));
      // A popular answer may have been fetched anew by now, but not this one: it was asked for twice.
      expect(asked).toHaveLength(1);
      clock.advance(1);
    }
    await forwarder.resolve(question('a.example.'));
    expect(asked).toHaveLength(2);
  });

  test('keeps apart what was asked with and without DNSSEC', async () => {
    const { forwarder, asked } = setUp({ '192.0.2.1': good });
    await forwarder.resolve(question('a.example.'));
    await forwarder.resolve({ ...question('a.example.'), dnssecOk: true });
    await forwarder.resolve({ ...question('a.example.'), checkingDisabled: true });
    expect(asked).toHaveLength(3);
  });

  test('fetches what is popular anew before it expires', async () => {
    const { forwarder, clock, asked, settle, metrics } = setUp({ '192.0.2.1': good });
    for (let i = 0; i < 4; i++) await forwarder.resolve(question('a.example.'));
    clock.advance(55_000);
    await forwarder.resolve(question('a.example.'));
    await settle();
    expect(asked).toHaveLength(2);
    clock.advance(50_000);
    const { answers } = await forwarder.resolve(question('a.example.'));
    expect(answers[0]?.ttl).toBe(10);
    expect(metrics.prefetches.value).toBe(1);
    expect(metrics.hits.success.value).toBe(5);
  });

  test('serves what it knew, for an hour, when no upstream answers', async () => {
    let alive = true;
    const { forwarder, clock, asked } = setUp({ '192.0.2.1': (one) => (alive ? replyTo(one) : dead()) });
    await forwarder.resolve(question('a.example.'));
    alive = false;
    clock.advance(120_000);
    const stale = await forwarder.resolve(question('a.example.'));
    expect(stale).toMatchObject({ rcode: RCODE.NOERROR, answers: [{ ttl: 30 }] });
    const before = asked.length;
    await forwarder.resolve(question('a.example.'));
    expect(asked.length).toBe(before); // it has just failed: nobody waits for another try
    clock.advance(3_600_000);
    expect((await forwarder.resolve(question('a.example.'))).rcode).toBe(RCODE.SERVFAIL);
  });

  test.each([RCODE.FORMERR, RCODE.SERVFAIL, RCODE.NOTIMP, RCODE.REFUSED])(
    'loses nothing by a failure: rcode %i',
    async (rcode) => {
      let failing = false;
      const { forwarder, clock, settle } = setUp({
        '192.0.2.1': (one) => replyTo(one, failing ? { rcode, answers: [] } : {}),
      });
      for (let i = 0; i < 3; i++) await forwarder.resolve(question('a.example.'));
      failing = true;
      clock.advance(55_000);
      await forwarder.resolve(question('a.example.')); // popular: fetched anew, which fails
      await settle();
      expect((await forwarder.resolve(question('a.example.'))).answers).toMatchObject([{ ttl: 5 }]);
      for (let i = 0; i < 3; i++) {
        clock.advance(60_000);
        expect((await forwarder.resolve(question('a.example.'))).answers).toMatchObject([{ ttl: 30 }]);
      }
    },
  );

  test('remembers a failure each time it comes', async () => {
    const { forwarder, clock, asked } = setUp({
      '192.0.2.1': (one) => replyTo(one, { rcode: RCODE.SERVFAIL, answers: [] }),
    });
    for (let i = 1; i <= 3; i++) {
      await forwarder.resolve(question('a.example.'));
      clock.advance(4000);
      await forwarder.resolve(question('a.example.'));
      expect(asked).toHaveLength(i);
      clock.advance(2000);
    }
  });

  test('serves what it knew when the upstream is slow, and the new answer once it is there', async () => {
    const slow = Promise.withResolvers<Message>();
    let calls = 0;
    const clock = new FakeClock();
    const ask: Ask = async (_, one) =>
      ++calls === 1 ? replyTo(one, { answers: [], authority: [soa(1, 1)] }) : slow.promise;
    const forwarder = new Forwarder({
      routes: { upstreams: [server('192.0.2.1')] },
      ask,
      clock,
      loopToken: new LoopToken(new FakeRandom()),
    });
    await forwarder.resolve(question('a.example.'));
    clock.advance(2000);
    const waiting = forwarder.resolve(question('a.example.'));
    clock.advance(1800);
    expect((await waiting).answers).toEqual([]);
    slow.resolve(replyTo(question('a.example.')));
    await new Promise((resolve) => setImmediate(resolve));
    expect((await forwarder.resolve(question('a.example.'))).answers).toHaveLength(1);
    expect(calls).toBe(2);
  });

  test('holds so many bytes: who is asked for large replies fills it no further', async () => {
    const texts = Array.from({ length: 240 }, () => 'x'.repeat(250));
    const { forwarder, metrics } = setUp({
      '192.0.2.1': (asked) =>
        replyTo(asked, { answers: [{ name: asked.name, ttl: 60, data: { type: 'TXT', texts } }] }),
    });
    for (let i = 0; i < 300; i++) await forwarder.resolve(question(`${i}.example.`, TYPE.TXT));
    expect(metrics.sizes('success')).toBeGreaterThan(100);
    expect(metrics.sizes('success') * 60_000).toBeLessThan(8 * 1024 * 1024);
    expect(metrics.evictions.success.value).toBe(300 - metrics.sizes('success'));
  });

  test('the same question asked many times at once goes out once, and there is an end to different ones', async () => {
    const never: Ask = () => new Promise(() => {});
    const metrics = new ForwardMetrics();
    let calls = 0;
    const forwarder = new Forwarder({
      routes: { upstreams: [server('192.0.2.1')] },
      ask: (upstream, one) => {
        calls += 1;
        return never(upstream, one);
      },
      clock: new FakeClock(),
      loopToken: new LoopToken(new FakeRandom()),
      metrics,
    });
    for (let i = 0; i < 10; i++) void forwarder.resolve(question('same.example.'));
    expect(calls).toBe(1);
    for (let i = 0; i < 999; i++) void forwarder.resolve(question(`${i}.example.`));
    expect((await forwarder.resolve(question('one-more.example.'))).rcode).toBe(RCODE.REFUSED);
    expect(metrics.rejected.value).toBe(1);
  });
});
