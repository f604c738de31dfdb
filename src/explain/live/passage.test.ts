import { expect, test } from 'vitest';
import { readTrace } from './kernel-trace.ts';
import { progressOf } from './passage.ts';
import { type Ends, type Passing, watchScript } from './watch.ts';

const table = 'portico-watch-x';
const met = (id: string, chain: string, ends: string) =>
  `trace id ${id} ${chain} packet: iif "cni0" ether saddr ae:af:79:45:4d:01 ether daddr f2:a9:36:75:32:ac ${ends} tcp flags == syn`;
const asSent = 'ip saddr 10.244.1.2 ip daddr 10.96.7.148 ip ttl 64 tcp sport 40128 tcp dport 80';
const translated = 'ip saddr 10.244.1.2 ip daddr 10.244.0.2 ip ttl 63 tcp sport 40128 tcp dport 80';
const dnat = 'trace id 6f ip portico-proxy lb-3 rule dnat ip to 10.244.0.2 (verdict accept)';

/** As nft 1.0.6 prints them: forwarding gives a packet another id. */
const coming = [met('6f', `inet ${table} prerouting`, asSent), dnat];
const forwarding = met('78', 'ip portico-proxy filter-forward', translated);
const leaving = [forwarding, met('78', `inet ${table} last-postrouting`, translated)];
const dropped = [forwarding, 'trace id 78 ip planted c rule drop (verdict drop)'];

const isIt = ({ destination }: Ends) => destination.address === '10.96.7.148';
const nodeOf = (address: string) => ({ '10.244.1.2': 'a', '10.244.0.2': 'b' })[address];
const progress = (a: readonly string[], b: readonly string[] = []) => {
  const seen = new Map<string, readonly Passing[]>([
    ['b', readTrace(b, table)],
    ['a', readTrace(a, table)],
  ]);
  return progressOf({ seen, isIt, nodeOf });
};

test('a packet is one under both of its ids, and leaves as its last chain shows it', () => {
  expect(readTrace([...coming, ...leaving], table)).toMatchObject([
    {
      source: { address: '10.244.1.2', port: 40128 },
      destination: { address: '10.96.7.148', port: 80 },
      end: { source: { address: '10.244.1.2', port: 40128 }, destination: { address: '10.244.0.2', port: 80 } },
    },
  ]);
  expect(readTrace([...coming, ...dropped], table)).toMatchObject([{ end: 'dropped' }]);
});

test('others who watch the same packet are none of its way', () => {
  const other = (id: string, chain: string, ends: string) => met(id, `inet portico-watch-y ${chain}`, ends);
  const policy = 'trace id 78 inet portico-watch-y last-postrouting policy accept';
  const watched = [
    other('6f', 'prerouting', asSent),
    ...coming,
    ...leaving,
    other('78', 'last-postrouting', translated),
    policy,
  ];
  expect(readTrace(watched, table)).toEqual(readTrace([...coming, ...leaving], table));
});

test('it is through when each node has let it go, and the next one has met it', () => {
  const arriving = met('11', `inet ${table} prerouting`, translated);
  expect(progress([])).toBe('not seen');
  expect(progress(coming)).toBe('on its way');
  expect(progress([...coming, ...leaving])).toBe('on its way');
  expect(progress([...coming, ...leaving], [arriving])).toBe('on its way');
  const handedOver = [arriving, met('11', `inet ${table} last-postrouting`, translated)];
  expect(progress([...coming, ...leaving], handedOver)).toBe('through');
});

test('it is through where it is dropped, and where nobody watches the next node', () => {
  expect(progress([...coming, ...dropped])).toBe('through');
  const alone = { seen: new Map([['a', readTrace([...coming, ...leaving], table)]]), isIt, nodeOf };
  expect(progressOf(alone)).toBe('through');
});

test('a packet that goes round by the node itself is on its way until it is in', () => {
  const round = met('6f', `inet ${table} prerouting`, translated);
  expect(progress([...coming, met('6f', `inet ${table} last-postrouting`, translated), round])).toBe('on its way');
});

test('a watch marks packets before all rules, and sees them after all', () => {
  const script = watchScript(table, [
    { family: 'IPv4', protocol: 'udp', sources: [], destinations: ['10.96.0.10'], ports: [53] },
  ]);
  expect(script.split('\n').map((line) => line.trim())).toEqual([
    `table inet ${table} {`,
    'chain prerouting {',
    'type filter hook prerouting priority -450; policy accept;',
    'ip daddr { 10.96.0.10 } meta l4proto udp th dport { 53 } meta nftrace set 1',
    '}',
    'chain output {',
    'type filter hook output priority -450; policy accept;',
    'ip daddr { 10.96.0.10 } meta l4proto udp th dport { 53 } meta nftrace set 1',
    '}',
    'chain last-input {',
    'type filter hook input priority 2147483646; policy accept;',
    '}',
    'chain last-postrouting {',
    'type filter hook postrouting priority 2147483646; policy accept;',
    '}',
    '}',
    '',
  ]);
});
