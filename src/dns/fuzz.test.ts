// Packets that nobody should send. Seeded, so that what fails fails again.
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { queryFor } from './fake/ask.ts';
import type { Ask } from './forward/exchange.ts';
import { Forwarder } from './forward/forwarder.ts';
import { LoopToken } from './forward/loop-token.ts';
import { queryMessage } from './forward/query.ts';
import { MeteredResponder } from './metered-responder.ts';
import { QueryMetrics } from './metrics/query-metrics.ts';
import { Responder, type Transport } from './respond.ts';
import { decodeMessage } from './wire/decode.ts';
import { encodeMessage } from './wire/encode.ts';
import { RCODE, TYPE } from './wire/message.ts';
import { FormatError } from './wire/name.ts';
import { ClusterZone } from './zone/view.ts';

const names = [
  'web.demo.svc.cluster.local.',
  '_http._tcp.web.demo.svc.cluster.local.',
  'db.demo.svc.cluster.local.',
  '10-244-0-7.db.demo.svc.cluster.local.',
  '10-244-1-5.demo.pod.cluster.local.',
  'out.demo.svc.cluster.local.',
  '7.0.96.10.in-addr.arpa.',
  'www.example.com.',
  'dns-version.cluster.local.',
  'cluster.local.',
  '.',
];
const types = [...Object.values(TYPE), 0, 64, 65, 257, 0xffff];

function setUp(random: FakeRandom) {
  const view = new ClusterZone();
  view.setNamespace({ metadata: { name: 'demo' }, spec: {} });
  const metadata = (name: string) => ({ name, namespace: 'demo' });
  const ports = [{ name: 'http', port: 80 }];
  view.setService({ metadata: metadata('web'), spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports } });
  view.setService({ metadata: metadata('db'), spec: { clusterIP: 'None', ports } });
  view.setService({ metadata: metadata('out'), spec: { type: 'ExternalName', externalName: 'www.example.com' } });
  view.setSlice({
    metadata: { ...metadata('db-1'), labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    ports,
    endpoints: Array.from({ length: 300 }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] })),
  });
  // Upstreams send nonsense, too.
  const ask: Ask = async (_, question) => {
    const answers = [{ name: question.name, ttl: random.int(100), data: { type: 'A', address: '192.0.2.1' } as const }];
    const packet = encodeMessage({ ...queryMessage(1, question), response: true, answers });
    return decodeMessage(mutated(packet, random));
  };
  const logged: string[] = [];
  const metrics = new QueryMetrics();
  const loopToken = new LoopToken(random);
  const upstreams = [{ protocol: 'dns' as const, address: '192.0.2.53', port: 53 }];
  const responder = new Responder({
    view,
    config: { zone: 'cluster.local.', ttl: 30, pods: 'insecure', serverAddresses: ['10.0.0.1'] },
    forwarder: new Forwarder({ routes: { upstreams }, ask, clock: new FakeClock(), loopToken }),
    loopToken,
    random,
    ready: () => true,
    ownsAddress: () => false,
    searchPathOf: () => ['demo.svc.cluster.local.', 'svc.cluster.local.', 'cluster.local.'],
  });
  const metered = new MeteredResponder({ responder: () => responder, metrics, log: (line) => logged.push(line) });
  return { metered, metrics, logged };
}

function query(random: FakeRandom): Buffer {
  const pick = <T>(from: readonly T[]): T => from[random.int(from.length)]!;
  const edns = { udpSize: random.int(0x10000), version: 0, dnssecOk: random.int(2) === 1 };
  const question = { name: pick(names), type: pick(types), class: random.int(20) === 0 ? random.int(300) : 1 };
  return queryFor('.', { id: random.int(0x10000), question, edns: random.int(2) === 0 ? edns : undefined });
}

/** One to four changes: a byte, a pointer, a length, an end cut off, noise added, a part said twice. */
function mutated(packet: Buffer, random: FakeRandom): Buffer {
  let result = Buffer.from(packet);
  for (let changes = 1 + random.int(4); changes > 0 && result.length > 0; changes--) {
    const at = random.int(result.length);
    switch (random.int(6)) {
      case 0:
        result[at] = random.int(256);
        break;
      case 1:
        result[at] = 0xc0 | random.int(4);
        break;
      case 2:
        result[Math.min(result.length - 1, 4 + random.int(8))] = random.int(256);
        break;
      case 3:
        result = result.subarray(0, at);
        break;
      case 4:
        result = Buffer.concat([result, random.bytes(random.int(600))]);
        break;
      default:
        result = Buffer.concat([result.subarray(0, at), result.subarray(random.int(at + 1))]);
    }
  }
  return result;
}

describe('packets that nobody should send', () => {
  test.each([1, 2, 3, 4])('get a short reply or none, seed %i', async (seed) => {
    const random = new FakeRandom(seed);
    const { metered, metrics, logged } = setUp(random);
    const seen = new Map<number, number>();
    for (let i = 0; i < 10_000; i++) {
      const packet = random.int(10) === 0 ? Buffer.from(random.bytes(random.int(300))) : mutated(query(random), random);
      const transport: Transport = random.int(4) === 0 ? 'tcp' : 'udp';
      const reply = await metered.respond(packet, { transport, address: '192.0.2.99' });
      const what = `packet ${packet.toString('hex')}`;
      if (packet.length < 12 || packet[2]! & 0x80) {
        expect(reply, what).toBeUndefined();
        continue;
      }
      if (!reply) expect.unreachable(what);
      expect(reply.length, what).toBeLessThanOrEqual(transport === 'udp' ? 1232 : 65_535);
      const message = decodeMessage(reply);
      expect(message, what).toMatchObject({ id: packet.readUInt16BE(0), response: true });
      const { rcode } = message;
      seen.set(rcode, (seen.get(rcode) ?? 0) + 1);
      // Whoever forges an address gets nothing out of nonsense.
      if (([RCODE.FORMERR, RCODE.NOTIMP, RCODE.REFUSED] as number[]).includes(rcode)) {
        expect(reply.length, what).toBeLessThanOrEqual(packet.length);
      }
    }
    expect(logged).toEqual([]);
    expect(metrics.panics.value).toBe(0);
    for (const rcode of [RCODE.NOERROR, RCODE.FORMERR, RCODE.NXDOMAIN, RCODE.NOTIMP, RCODE.REFUSED]) {
      expect(seen.get(rcode), `replies with rcode ${rcode}`).toBeGreaterThan(10);
    }
  });

  test('are refused when their names are chains of pointers', () => {
    // As many records as fit, each name a chain of pointers through all before it.
    const parts = [Buffer.from('0001010000000fff00000000', 'hex')];
    let offset = 12;
    for (let i = 0; i < 4095; i++) {
      const pointer = i === 0 ? [0] : [0xc0 | ((offset - 12) >> 8), (offset - 12) & 0xff];
      const record = Buffer.from([1, 0x61, ...pointer, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
      parts.push(record);
      if (offset + record.length < 0x3f00) offset += record.length;
    }
    const packet = Buffer.concat(parts).subarray(0, 65_535);
    expect(() => decodeMessage(packet)).toThrow(FormatError);
  });
});
