import { describe, expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { type Ask, Forwarder, type Upstream } from './forward/forwarder.ts';
import { Responder, type Transport } from './respond.ts';
import { decodeMessage } from './wire/decode.ts';
import { encodeMessage } from './wire/encode.ts';
import { type Message, RCODE, TYPE } from './wire/message.ts';
import { ClusterZone } from './zone/view.ts';

const query = (name: string, parts: Partial<Message> = {}): Buffer =>
  encodeMessage({
    id: 4711,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    rcode: 0,
    question: { name, type: TYPE.A, class: 1 },
    answers: [],
    authority: [],
    additional: [],
    edns: undefined,
    ...parts,
  });

function setUp({ ask, upstreams = [] }: { ask?: Ask; upstreams?: Upstream[] } = {}) {
  const view = new ClusterZone();
  view.setNamespace({ metadata: { name: 'demo' }, spec: {} });
  const clock = new FakeClock();
  const failing: Ask = () => Promise.reject(new Error('nobody is there'));
  const responder = new Responder({
    view,
    config: { zone: 'cluster.local.', ttl: 30, pods: 'insecure', serverAddresses: [] },
    forwarder: new Forwarder({ upstreams, ask: ask ?? failing, clock }),
    random: new FakeRandom(),
    ready: () => true,
    ownsAddress: (name) => name.endsWith('.10.in-addr.arpa.'),
  });
  const service = (clusterIP: string) => ({
    metadata: { name: 'web', namespace: 'demo' },
    spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80 }] },
  });
  const respond = async (packet: Buffer, transport: Transport = 'udp') => {
    const reply = await responder.respond(packet, transport);
    return reply && decodeMessage(reply);
  };
  return { view, clock, responder, service, respond };
}

const addresses = (message: Message | undefined) =>
  message?.answers.map(({ data }) => (data.type === 'A' ? data.address : data.type));

describe('replies', () => {
  test('carry the query’s id and its question in its case, and are authoritative', async () => {
    const { view, service, respond } = setUp();
    view.setService(service('10.96.0.7'));
    for (const id of [1, 2, 65_535]) {
      const reply = await respond(query('WEB.demo.svc.cluster.local.', { id }));
      expect(reply).toMatchObject({ id, response: true, authoritative: true, rcode: RCODE.NOERROR });
      expect(reply?.question?.name).toBe('WEB.demo.svc.cluster.local.');
    }
  });

  test('prepared ones fall when their Service changes, empty ones with any change', async () => {
    const { view, service, respond, responder } = setUp();
    const name = 'web.demo.svc.cluster.local.';
    expect((await respond(query(name)))?.rcode).toBe(RCODE.NXDOMAIN);
    responder.invalidate([view.setService(service('10.96.0.7'))]);
    expect(addresses(await respond(query(name)))).toEqual(['10.96.0.7']);
    responder.invalidate([view.setService(service('10.96.0.8'))]);
    expect(addresses(await respond(query(name)))).toEqual(['10.96.0.8']);
    responder.invalidate([view.deleteService(service('10.96.0.8'))]);
    expect((await respond(query(name)))?.rcode).toBe(RCODE.NXDOMAIN);
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
    const overUdp = await respond(query(name));
    expect(overUdp).toMatchObject({ truncated: true });
    const edns = { udpSize: 4096, version: 0, dnssecOk: false };
    const larger = await respond(query(name, { edns }));
    expect(larger?.answers.length).toBeGreaterThan(2 * (overUdp?.answers.length ?? 0));
    expect(larger?.edns).toMatchObject({ udpSize: 1232 });
    const first = addresses(await respond(query(name), 'tcp'));
    const second = addresses(await respond(query(name), 'tcp'));
    expect(new Set(first).size).toBe(1000);
    expect(second).not.toEqual(first);
    expect(new Set(second)).toEqual(new Set(first));
  });

  test('to what is not understood say so, and a reply gets no reply', async () => {
    const { respond } = setUp();
    expect(await respond(query('web.demo.svc.cluster.local.', { response: true }))).toBeUndefined();
    expect(await respond(Buffer.from('short'))).toBeUndefined();
    expect(await respond(query('web.', { opcode: 5 }))).toMatchObject({ rcode: RCODE.NOTIMP });
    expect(await respond(query('web.', { question: undefined }))).toMatchObject({ rcode: RCODE.FORMERR });
    const question = { name: 'version.bind.', type: TYPE.TXT, class: 3 };
    expect(await respond(query('web.', { question }))).toMatchObject({ rcode: RCODE.REFUSED });
    const edns = { udpSize: 1232, version: 0, dnssecOk: false };
    const laterVersion = query('web.', { edns });
    laterVersion[laterVersion.length - 5] = 1;
    expect(await respond(laterVersion)).toMatchObject({ rcode: RCODE.BADVERS });
    const broken = query('web.demo.svc.cluster.local.').subarray(0, 20);
    expect(await respond(broken)).toMatchObject({ id: 4711, rcode: RCODE.FORMERR });
  });
});

describe('forwarding', () => {
  const upstreams = [
    { address: '192.0.2.1', port: 53 },
    { address: '192.0.2.2', port: 53 },
  ];
  const reply = (address: string, rcode: number = RCODE.NOERROR): Message => ({
    ...decodeMessage(query('example.com.')),
    response: true,
    rcode,
    answers: [{ name: 'example.com.', ttl: 60, data: { type: 'A', address } }],
  });

  test('asks the next upstream when one fails, and keeps the answer for its TTL', async () => {
    const asked: string[] = [];
    const ask: Ask = async ({ address }) => {
      asked.push(address);
      if (address === '192.0.2.1') throw new Error('no answer');
      return reply('198.51.100.7');
    };
    const { respond, clock } = setUp({ ask, upstreams });
    const first = await respond(query('example.com.'));
    expect(first).toMatchObject({ rcode: RCODE.NOERROR, authoritative: false, recursionAvailable: true });
    expect(asked).toEqual(['192.0.2.1', '192.0.2.2']);
    clock.advance(45_000);
    expect((await respond(query('Example.com.')))?.answers[0]?.ttl).toBe(15);
    clock.advance(15_000);
    await respond(query('example.com.'));
    expect(asked).toHaveLength(4);
  });

  test('an upstream that just failed is asked last', async () => {
    const asked: string[] = [];
    const ask: Ask = async ({ address }, { name }) => {
      asked.push(address);
      if (address === '192.0.2.1') throw new Error('no answer');
      return { ...reply('198.51.100.7'), question: { name, type: TYPE.A, class: 1 } };
    };
    const { respond } = setUp({ ask, upstreams });
    await respond(query('a.example.'));
    await respond(query('b.example.'));
    expect(asked).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.2']);
  });

  test('the same question asked many times at once goes out once', async () => {
    let asked = 0;
    const ask: Ask = async () => {
      asked += 1;
      return reply('198.51.100.7');
    };
    const { respond } = setUp({ ask, upstreams });
    await Promise.all(Array.from({ length: 10 }, () => respond(query('example.com.'))));
    expect(asked).toBe(1);
  });

  test('without an upstream that answers it is SERVFAIL, and an alias outwards is empty', async () => {
    const { view, respond } = setUp({ upstreams });
    view.setService({
      metadata: { name: 'out', namespace: 'demo' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    });
    expect(await respond(query('example.com.'))).toMatchObject({ rcode: RCODE.SERVFAIL });
    expect(await respond(query('out.demo.svc.cluster.local.'))).toMatchObject({ rcode: RCODE.NOERROR, answers: [] });
  });

  test('an alias outwards comes with its target’s addresses', async () => {
    const { view, respond } = setUp({ ask: async () => reply('198.51.100.7'), upstreams });
    view.setService({
      metadata: { name: 'out', namespace: 'demo' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    });
    const answered = await respond(query('out.demo.svc.cluster.local.'));
    expect(addresses(answered)).toEqual(['CNAME', '198.51.100.7']);
    expect(answered).toMatchObject({ authoritative: true });
  });

  test('reverse names of other networks are forwarded, the cluster’s own are not', async () => {
    const asked: string[] = [];
    const ask: Ask = async (_, { name }) => {
      asked.push(name);
      return { ...reply('198.51.100.7', RCODE.NXDOMAIN), answers: [] };
    };
    const { respond } = setUp({ ask, upstreams });
    expect(await respond(query('1.2.3.10.in-addr.arpa.'))).toMatchObject({ authoritative: true });
    expect(await respond(query('1.2.0.192.in-addr.arpa.'))).toMatchObject({ authoritative: false });
    expect(asked).toEqual(['1.2.0.192.in-addr.arpa.']);
  });
});
