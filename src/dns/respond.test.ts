import { describe, expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { queryFor } from './fake/ask.ts';
import { zoneText } from './fake/zone-text.ts';
import type { Ask } from './forward/exchange.ts';
import { Forwarder } from './forward/forwarder.ts';
import { LoopToken } from './forward/loop-token.ts';
import type { Upstream } from './forward/upstream.ts';
import { Responder, type Transport } from './respond.ts';
import type { SearchPathOf } from './search-path.ts';
import { decodeMessage } from './wire/decode.ts';
import { type Message, RCODE, TYPE } from './wire/message.ts';
import { ClusterZone } from './zone/view.ts';

interface SetUp {
  readonly ask?: Ask;
  readonly upstreams?: Upstream[];
  readonly stubs?: ReadonlyMap<string, Upstream[]>;
  readonly searchPathOf?: SearchPathOf;
}

function setUp({ ask, upstreams = [], stubs = new Map(), searchPathOf }: SetUp = {}) {
  const view = new ClusterZone();
  view.setNamespace({ metadata: { name: 'demo' }, spec: {} });
  const clock = new FakeClock();
  const loopToken = new LoopToken(new FakeRandom());
  const failing: Ask = () => Promise.reject(new Error('nobody is there'));
  const responder = new Responder({
    view,
    config: { zone: 'cluster.local.', ttl: 30, pods: 'insecure', serverAddresses: [] },
    forwarder: new Forwarder({ routes: { upstreams, stubs }, ask: ask ?? failing, clock, loopToken }),
    loopToken,
    searchPathOf,
    random: new FakeRandom(),
    ready: () => true,
    ownsAddress: (name) => name.endsWith('.10.in-addr.arpa.'),
  });
  const service = (clusterIP: string) => ({
    metadata: { name: 'web', namespace: 'demo' },
    spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80 }] },
  });
  const respond = async (packet: Buffer, transport: Transport = 'udp', address = '10.244.1.5') => {
    const reply = await responder.respond(packet, { transport, address });
    return reply && decodeMessage(reply);
  };
  return { view, clock, responder, service, respond, loopToken };
}

const addresses = (message: Message | undefined) =>
  message?.answers.map(({ data }) => (data.type === 'A' ? data.address : data.type));

describe('replies', () => {
  test('carry the query’s id and its question in its case, and are authoritative', async () => {
    const { view, service, respond } = setUp();
    view.setService(service('10.96.0.7'));
    for (const id of [1, 2, 65_535]) {
      const reply = await respond(queryFor('WEB.demo.svc.cluster.local.', { id }));
      expect(reply).toMatchObject({ id, response: true, authoritative: true, rcode: RCODE.NOERROR });
      expect(reply?.question?.name).toBe('WEB.demo.svc.cluster.local.');
    }
  });

  test('prepared ones fall when their Service changes, empty ones with any change', async () => {
    const { view, service, respond, responder } = setUp();
    const name = 'web.demo.svc.cluster.local.';
    expect((await respond(queryFor(name)))?.rcode).toBe(RCODE.NXDOMAIN);
    responder.invalidate(view.setService(service('10.96.0.7')));
    expect(addresses(await respond(queryFor(name)))).toEqual(['10.96.0.7']);
    responder.invalidate(view.setService(service('10.96.0.8')));
    expect(addresses(await respond(queryFor(name)))).toEqual(['10.96.0.8']);
    responder.invalidate(view.deleteService(service('10.96.0.8')));
    expect((await respond(queryFor(name)))?.rcode).toBe(RCODE.NXDOMAIN);
  });

  test('of a headless Service come whole over TCP, cut over UDP, in changing order', async () => {
    const { view, respond } = setUp();
    view.setService({ metadata: { name: 'db', namespace: 'demo' }, spec: { clusterIP: 'None' } });
    view.setSlice({
      metadata: { name: 'db-1', namespace: 'demo', labels: { 'kubernetes.io/service-name': 'db' } },
      addressType: 'IPv4',
      ports: [],
      endpoints: Array.from({ length: 1000 }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] })),
    });
    const name = 'db.demo.svc.cluster.local.';
    const overUdp = await respond(queryFor(name));
    expect(overUdp).toMatchObject({ truncated: true });
    const edns = { udpSize: 4096, version: 0, dnssecOk: false };
    const larger = await respond(queryFor(name, { edns }));
    expect(larger?.answers.length).toBeGreaterThan(2 * (overUdp?.answers.length ?? 0));
    expect(larger?.edns).toMatchObject({ udpSize: 1232 });
    const first = addresses(await respond(queryFor(name), 'tcp'));
    const second = addresses(await respond(queryFor(name), 'tcp'));
    expect(new Set(first).size).toBe(1000);
    expect(second).not.toEqual(first);
    expect(new Set(second)).toEqual(new Set(first));
    // A few orders are kept and go out in turn.
    const orders = new Set([first, second].map(String));
    for (let i = 0; i < 20; i++) orders.add(String(addresses(await respond(queryFor(name), 'tcp'))));
    expect(orders.size).toBe(8);
  });

  test('prepared ones fall with what they came from and nothing else, and carry the serial of now', async () => {
    const { view, service, respond, responder } = setUp();
    view.setService(service('10.96.0.7'));
    const missing = queryFor('other.demo.svc.cluster.local.');
    view.serial = 1;
    await respond(missing);
    responder.invalidate(view.setService(service('10.96.0.9')));
    view.serial = 0xfedcba98;
    expect((await respond(missing))?.authority[0]?.data).toMatchObject({ type: 'SOA', serial: 0xfedcba98 });
    const byAddress = queryFor('9.0.96.10.in-addr.arpa.', {
      question: { name: '9.0.96.10.in-addr.arpa.', type: TYPE.PTR, class: 1 },
    });
    expect((await respond(byAddress))?.answers).toHaveLength(1);
    responder.invalidate(view.deleteService(service('10.96.0.9')));
    expect((await respond(byAddress))?.rcode).toBe(RCODE.NXDOMAIN);
    expect((await respond(queryFor('x.other.svc.cluster.local.')))?.rcode).toBe(RCODE.NXDOMAIN);
    const other = queryFor('other.svc.cluster.local.');
    expect((await respond(other))?.rcode).toBe(RCODE.NXDOMAIN);
    responder.invalidate(view.setNamespace({ metadata: { name: 'other' }, spec: {} }));
    expect((await respond(other))?.rcode).toBe(RCODE.NOERROR);
  });

  test('over UDP are never longer than what fits a packet, whatever the client offers', async () => {
    const { view, responder } = setUp();
    view.setService({ metadata: { name: 'db', namespace: 'demo' }, spec: { clusterIP: 'None' } });
    view.setSlice({
      metadata: { name: 'db-1', namespace: 'demo', labels: { 'kubernetes.io/service-name': 'db' } },
      addressType: 'IPv4',
      ports: [{ name: 'x', port: 1 }],
      endpoints: Array.from({ length: 500 }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] })),
    });
    for (const type of [TYPE.A, TYPE.SRV, TYPE.ANY, TYPE.TXT]) {
      for (const udpSize of [0, 512, 1232, 4096, 65_535]) {
        const question = { name: 'db.demo.svc.cluster.local.', type, class: 1 };
        const asked = queryFor('db.', { question, edns: { udpSize, version: 0, dnssecOk: false } });
        const reply = await responder.respond(asked, { transport: 'udp', address: '192.0.2.7' });
        expect(reply?.length).toBeLessThanOrEqual(Math.min(1232, Math.max(512, udpSize)));
      }
    }
  });

  test('to zone transfers are a refusal, in the zone and outside', async () => {
    const { respond } = setUp();
    for (const name of ['cluster.local.', 'example.com.', '10.in-addr.arpa.']) {
      for (const type of [TYPE.AXFR, TYPE.IXFR]) {
        const asked = queryFor(name, { question: { name, type, class: 1 } });
        expect(await respond(asked, 'tcp')).toMatchObject({ rcode: RCODE.REFUSED, answers: [] });
      }
    }
  });

  test('to what is not understood say so, and a reply gets no reply', async () => {
    const { respond } = setUp();
    expect(await respond(queryFor('web.demo.svc.cluster.local.', { response: true }))).toBeUndefined();
    expect(await respond(Buffer.from('short'))).toBeUndefined();
    expect(await respond(queryFor('web.', { opcode: 5 }))).toMatchObject({ rcode: RCODE.NOTIMP });
    expect(await respond(queryFor('web.', { question: undefined }))).toMatchObject({ rcode: RCODE.FORMERR });
    const question = { name: 'version.bind.', type: TYPE.TXT, class: 3 };
    expect(await respond(queryFor('web.', { question }))).toMatchObject({ rcode: RCODE.REFUSED });
    const edns = { udpSize: 1232, version: 0, dnssecOk: false };
    const laterVersion = queryFor('web.', { edns });
    laterVersion[laterVersion.length - 5] = 1;
    expect(await respond(laterVersion)).toMatchObject({ rcode: RCODE.BADVERS });
    const broken = queryFor('web.demo.svc.cluster.local.').subarray(0, 20);
    expect(await respond(broken)).toMatchObject({ id: 4711, rcode: RCODE.FORMERR });
  });
});

describe('forwarding', () => {
  const upstreams = [
    { protocol: 'dns' as const, address: '192.0.2.1', port: 53 },
    { protocol: 'dns' as const, address: '192.0.2.2', port: 53 },
  ];
  const reply = (address: string, rcode: number = RCODE.NOERROR): Message => ({
    ...decodeMessage(queryFor('example.com.')),
    response: true,
    rcode,
    answers: [{ name: 'example.com.', ttl: 60, data: { type: 'A', address } }],
  });

  test('without an upstream that answers it is SERVFAIL, and an alias outwards stands alone', async () => {
    const { view, respond } = setUp({ upstreams });
    view.setService({
      metadata: { name: 'out', namespace: 'demo' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    });
    expect(await respond(queryFor('example.com.'))).toMatchObject({ rcode: RCODE.SERVFAIL });
    const alias = await respond(queryFor('out.demo.svc.cluster.local.'));
    expect(alias?.rcode).toBe(RCODE.NOERROR);
    expect(alias?.answers.map(zoneText)).toEqual(['out.demo.svc.cluster.local. 30 IN CNAME example.com.']);
  });

  test('an alias outwards comes with its target’s addresses', async () => {
    const { view, respond } = setUp({ ask: async () => reply('198.51.100.7'), upstreams });
    view.setService({
      metadata: { name: 'out', namespace: 'demo' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    });
    const answered = await respond(queryFor('out.demo.svc.cluster.local.'));
    expect(addresses(answered)).toEqual(['CNAME', '198.51.100.7']);
    expect(answered).toMatchObject({ authoritative: true });
  });

  test('addresses come in changing order, behind the aliases that lead to them', async () => {
    const data = (i: number) => ({ type: 'A', address: `198.51.100.${i}` }) as const;
    const answers = [
      { name: 'example.com.', ttl: 60, data: { type: 'CNAME', target: 'cdn.example.' } as const },
      ...Array.from({ length: 8 }, (_, i) => ({ name: 'cdn.example.', ttl: 60, data: data(i) })),
    ];
    const { respond } = setUp({ ask: async () => ({ ...reply('', RCODE.NOERROR), answers }), upstreams });
    const orders = new Set<string>();
    for (let i = 0; i < 10; i++) {
      const found = addresses(await respond(queryFor('example.com.'))) ?? [];
      expect(found[0]).toBe('CNAME');
      expect(found.slice(1).toSorted()).toEqual(answers.slice(1).map((_, j) => data(j).address));
      orders.add(String(found));
    }
    expect(orders.size).toBeGreaterThan(1);
  });

  test('that signatures were found good is told to those who ask, whoever asked first', async () => {
    let asked = 0;
    const ask: Ask = async () => {
      asked += 1;
      return { ...reply('198.51.100.7'), authenticData: true };
    };
    const { respond } = setUp({ ask, upstreams });
    for (const authenticData of [false, true, false]) {
      const answered = await respond(queryFor('example.com.', { authenticData }));
      expect(answered?.authenticData ?? false).toBe(authenticData);
    }
    expect(asked).toBe(1);
    const edns = { udpSize: 1232, version: 0, dnssecOk: true };
    expect(await respond(queryFor('example.com.', { edns }))).toMatchObject({ authenticData: true });
  });

  test('reverse names of other networks are forwarded, the cluster’s own are not', async () => {
    const asked: string[] = [];
    const ask: Ask = async (_, { name }) => {
      asked.push(name);
      return { ...reply('198.51.100.7', RCODE.NXDOMAIN), answers: [] };
    };
    const { respond } = setUp({ ask, upstreams });
    expect(await respond(queryFor('1.2.3.10.in-addr.arpa.'))).toMatchObject({ authoritative: true });
    expect(await respond(queryFor('1.2.0.192.in-addr.arpa.'))).toMatchObject({ authoritative: false });
    expect(asked).toEqual(['1.2.0.192.in-addr.arpa.']);
  });
});

describe('stub domains and loops', () => {
  const server = (address: string): Upstream => ({ protocol: 'dns', address, port: 53 });
  const told: Ask = async ({ address }, { name, type }) => ({
    ...decodeMessage(queryFor(name, { question: { name, type, class: 1 } })),
    response: true,
    answers: [{ name, ttl: 60, data: { type: 'A', address } }],
  });

  test('the longest domain that holds the name has its own servers, reverse ones too', async () => {
    const stubs = new Map([
      ['example.internal.', [server('192.0.2.10')]],
      ['deep.example.internal.', [server('192.0.2.11')]],
      ['3.10.in-addr.arpa.', [server('192.0.2.12')]],
    ]);
    const { respond } = setUp({ ask: told, upstreams: [server('192.0.2.1')], stubs });
    expect(addresses(await respond(queryFor('www.Example.internal.')))).toEqual(['192.0.2.10']);
    expect(addresses(await respond(queryFor('a.deep.example.internal.')))).toEqual(['192.0.2.11']);
    expect(addresses(await respond(queryFor('notexample.internal.')))).toEqual(['192.0.2.1']);
    expect(addresses(await respond(queryFor('1.1.3.10.in-addr.arpa.')))).toEqual(['192.0.2.12']);
    expect((await respond(queryFor('1.1.4.10.in-addr.arpa.')))?.rcode).toBe(RCODE.NXDOMAIN);
  });

  test('a question that this server asked and that comes back to it is told apart', async () => {
    const { respond, loopToken } = setUp();
    const { name, type } = loopToken.question();
    const reply = await respond(
      queryFor(name.toUpperCase(), { question: { name: name.toUpperCase(), type, class: 1 } }),
    );
    expect(reply && loopToken.isOurs(reply)).toBe(true);
    const other = new LoopToken(new FakeRandom(2)).question();
    expect(await respond(queryFor(other.name, { question: other }))).toMatchObject({ rcode: RCODE.SERVFAIL });
  });
});

describe('searches', () => {
  const path = ['demo.svc.cluster.local.', 'svc.cluster.local.', 'cluster.local.', 'corp.example.'];
  const upstreams: Upstream[] = [{ protocol: 'dns', address: '192.0.2.1', port: 53 }];
  const searching = (known: Readonly<Record<string, string>>) => {
    const asked: string[] = [];
    const ask: Ask = async (_, { name, type }) => {
      asked.push(name);
      const address = known[name.toLowerCase()];
      return {
        ...decodeMessage(queryFor(name, { question: { name, type, class: 1 } })),
        response: true,
        rcode: address === undefined ? RCODE.NXDOMAIN : RCODE.NOERROR,
        answers: address === undefined || type !== TYPE.A ? [] : [{ name, ttl: 60, data: { type: 'A', address } }],
      };
    };
    const searchPathOf = (address: string) => (address === '10.244.1.5' ? path : undefined);
    return { ...setUp({ ask, upstreams, searchPathOf }), asked };
  };
  const first = 'www.example.com.demo.svc.cluster.local.';

  test('of a pod are answered at their first name', async () => {
    const { respond, asked } = searching({ 'www.example.com.': '198.51.100.7' });
    const reply = await respond(queryFor(first));
    expect(reply?.rcode).toBe(RCODE.NOERROR);
    expect(reply?.answers.map(zoneText)).toEqual([
      `${first} 30 IN CNAME www.example.com.`,
      'www.example.com. 60 IN A 198.51.100.7',
    ]);
    expect(asked).toEqual(['www.example.com.corp.example.', 'www.example.com.']);
    const v6 = await respond(queryFor(first, { question: { name: first, type: TYPE.AAAA, class: 1 } }));
    expect(v6).toMatchObject({ rcode: RCODE.NOERROR, answers: [{ data: { type: 'CNAME' } }] });
  });

  test('find the cluster’s own names, and what is nowhere is not there', async () => {
    const { respond, view, service } = searching({});
    view.setNamespace({ metadata: { name: 'other' }, spec: {} });
    view.setService({ ...service('10.96.0.9'), metadata: { name: 'web', namespace: 'other' } });
    const found = await respond(queryFor('web.other.demo.svc.cluster.local.'));
    expect(addresses(found)).toEqual(['CNAME', '10.96.0.9']);
    expect(await respond(queryFor('nowhere.demo.svc.cluster.local.'))).toMatchObject({
      rcode: RCODE.NXDOMAIN,
      answers: [],
    });
  });

  test('of others are not, nor names that are not the first of the search', async () => {
    const { respond } = searching({ 'www.example.com.': '198.51.100.7' });
    expect((await respond(queryFor(first), 'udp', '10.244.1.5'))?.rcode).toBe(RCODE.NOERROR);
    expect((await respond(queryFor(first), 'udp', '10.244.1.6'))?.rcode).toBe(RCODE.NXDOMAIN);
    expect((await respond(queryFor(first), 'udp', '10.244.1.5'))?.rcode).toBe(RCODE.NOERROR);
    expect((await respond(queryFor('www.example.com.other.svc.cluster.local.')))?.rcode).toBe(RCODE.NXDOMAIN);
    expect((await respond(queryFor('www.example.com.svc.cluster.local.')))?.rcode).toBe(RCODE.NXDOMAIN);
  });
});
