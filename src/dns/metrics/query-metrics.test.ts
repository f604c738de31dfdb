import { expect, test } from 'vitest';
import { queryFor } from '../fake/ask.ts';
import { decodeMessage } from '../wire/decode.ts';
import { encodeMessage } from '../wire/encode.ts';
import { type Message, RCODE, TYPE } from '../wire/message.ts';
import { QueryMetrics } from './query-metrics.ts';

const client = { transport: 'udp', address: '192.0.2.7' } as const;
const name = 'web.demo.svc.cluster.local.';
/** Nearly what the record of EDNS looks like on the wire. */
const misleading = { name, ttl: 5, data: { type: 'AAAA', address: 'fd00:0:0:29::8000:0' } } as const;

function answered(
  metrics: QueryMetrics,
  type: number,
  asked: Partial<Message> = {},
  said: Partial<Message> = {},
): void {
  const query = queryFor(name, { question: { name, type, class: 1 }, ...asked });
  const reply = encodeMessage({ ...decodeMessage(query), response: true, additional: [misleading], ...said });
  metrics.answered(query, reply, client, 0.001);
}

function samples(metrics: QueryMetrics, family: string): string[] {
  const text = metrics.families.map((each) => each.print()).join('');
  return text.split('\n').filter((line) => line.startsWith(`${family}{`));
}

test('questions are counted by the types that CoreDNS knows by name', () => {
  const metrics = new QueryMetrics();
  for (const type of [TYPE.A, TYPE.A, 65, 46, TYPE.HINFO, TYPE.OPT, 65_280]) answered(metrics, type);
  const counted = samples(metrics, 'coredns_dns_requests_total').map((line) =>
    /type="(\w+)"} (\d+)/.exec(line)?.slice(1),
  );
  expect(counted).toEqual([
    ['A', '2'],
    ['HTTPS', '1'],
    ['RRSIG', '1'],
    ['other', '3'],
  ]);
});

test('questions with DO are counted', () => {
  const metrics = new QueryMetrics();
  answered(metrics, TYPE.A);
  answered(metrics, TYPE.A, { edns: { udpSize: 1232, version: 0, dnssecOk: false } });
  answered(metrics, TYPE.A, { edns: { udpSize: 1232, version: 0, dnssecOk: true } });
  answered(metrics, TYPE.AAAA, { edns: { udpSize: 4096, version: 0, dnssecOk: true } });
  expect(samples(metrics, 'coredns_dns_do_requests_total')).toEqual([
    'coredns_dns_do_requests_total{server="dns://",zone=".",view=""} 2',
  ]);
});

test('replies are counted by who wrote them', () => {
  const metrics = new QueryMetrics();
  answered(metrics, TYPE.A, {}, { authoritative: true });
  answered(metrics, TYPE.A, {}, { authoritative: true, recursionAvailable: true });
  answered(metrics, TYPE.A, {}, { recursionAvailable: true });
  answered(metrics, TYPE.A, {}, { recursionAvailable: true, rcode: RCODE.REFUSED });
  answered(metrics, TYPE.A, {}, { rcode: RCODE.REFUSED });
  answered(metrics, TYPE.A, {}, { rcode: RCODE.NOTIMP, authoritative: true });
  const counted = samples(metrics, 'coredns_dns_responses_total').map((line) =>
    /rcode="(\w+)",plugin="(\w*)"} (\d+)/.exec(line)?.slice(1),
  );
  expect(counted).toEqual([
    ['NOERROR', 'kubernetes', '2'],
    ['NOERROR', 'forward', '1'],
    ['REFUSED', 'forward', '1'],
    ['REFUSED', '', '1'],
    ['NOTIMP', 'kubernetes', '1'],
  ]);
});
