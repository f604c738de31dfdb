import { expect, test } from 'vitest';
import type { Trace } from '../trace/trace.ts';
import { compareLive, ruleDifferences } from './compare.ts';
import { liveText } from './text.ts';

const trace = {
  outcomes: [
    { result: 'arrives', destination: '10.244.0.7:80', source: '10.244.1.5' },
    { result: 'arrives', destination: '10.244.1.6:80', source: '10.244.1.5' },
  ],
} as unknown as Trace;

const packet = (id: string, chain: string, ends: string) =>
  `trace id ${id} ip portico-proxy ${chain} packet: iif "cni0" ip saddr ${ends} ip ttl 64 ip protocol tcp ip length 60 tcp`;
const sent = `${packet('1', 'nat-prerouting', '10.244.1.5 ip daddr 10.96.0.9')} sport 23000 tcp dport 80 tcp flags == syn`;
const others = `${packet('2', 'nat-prerouting', '10.244.1.5 ip daddr 10.96.0.9')} sport 40001 tcp dport 80 tcp flags == syn`;
const balanced =
  'trace id 1 ip portico-proxy lb-2 rule dnat ip to numgen random mod 2 map @endpoints-16 (verdict accept)';
const flow = (endpoint: string) =>
  `tcp 6 60 SYN_SENT src=10.244.1.5 dst=10.96.0.9 sport=23000 dport=80 src=${endpoint} dst=10.244.1.5 sport=80 dport=23000 mark=0 use=1`;

const live = (
  lines: readonly string[],
  conntrack: readonly string[],
  rules: readonly [string[], string[]] = [[], []],
) =>
  compareLive({
    trace,
    sent: 'connected',
    isAnswered: true,
    silent: [],
    watchTable: 'portico-watch-x',
    sourcePort: 23000,
    seen: [{ node: 'b', trace: lines, conntrack, kernelRules: rules[0], modelRules: rules[1] }],
  });

test('a packet that arrives where the model may send it agrees; other packets are none of it', () => {
  const found = live([others, sent, balanced], [flow('10.244.0.7')]);
  expect(found).toMatchObject({
    result: 'arrives',
    destination: '10.244.0.7:80',
    source: '10.244.1.5',
    differences: [],
  });
  expect(found.hops[0]?.steps).toEqual([
    {
      table: 'ip portico-proxy',
      chain: 'lb-2',
      rule: 'dnat ip to numgen random mod 2 map @endpoints-16',
      verdict: 'accept',
    },
  ]);
});

test('of mode ipvs it is said what nobody looks at, and that what agrees is what was seen', () => {
  const seen = [{ node: 'b', trace: [sent], conntrack: [flow('10.244.0.7')], kernelRules: [], modelRules: [] }];
  const request = {
    sent: 'connected',
    isAnswered: true,
    silent: [],
    watchTable: 'x',
    sourcePort: 23000,
    seen,
  } as const;
  const text = (mode: Trace['mode']) => liveText(compareLive({ ...request, trace: { ...trace, mode } }));
  expect(text('ipvs')).toMatch(
    /\nUnseen {3}in mode ipvs the virtual servers.*ipvsadm -Ln.*\nAgrees .*, as far as it is seen$/,
  );
  expect(text('iptables')).not.toContain('Unseen');
});

test('a drop that the model does not know is told with its rule, and that the rule is a stranger', () => {
  const drop = 'trace id 1 ip planted c rule tcp dport 80 drop (verdict drop)';
  expect(live([sent, drop], [])).toMatchObject({
    result: 'dropped',
    differences: [
      'the model says: arrives; in the kernel it is dropped: on b, ip planted c: tcp dport 80 drop (drop)',
      "on b it meets a rule that is none of Portico's: ip planted c: tcp dport 80 drop (drop)",
    ],
  });
});

test('what leaves the cluster may be hidden by the pod network', () => {
  const leaving = { outcomes: [{ ...trace.outcomes[0], result: 'leaves the cluster' }] } as unknown as Trace;
  const hidden = flow('10.244.0.7').replace('dst=10.244.1.5 sport=80', 'dst=172.30.0.12 sport=80');
  const seen = [{ node: 'b', trace: [sent], conntrack: [hidden], kernelRules: [], modelRules: [] }];
  const found = compareLive({
    trace: leaving,
    sent: 'no answer',
    isAnswered: true,
    silent: [],
    watchTable: 'x',
    sourcePort: 23000,
    seen,
  });
  expect(found.differences).toEqual([]);
});

test('another endpoint, another source and no packet at all are differences', () => {
  expect(live([sent], [flow('10.244.9.9')]).differences[0]).toContain('the kernel sends it to 10.244.9.9:80');
  const hidden = flow('10.244.0.7').replace('dst=10.244.1.5 sport=80', 'dst=172.30.0.12 sport=80');
  expect(live([sent], [hidden]).differences).toEqual([
    'the destination sees 172.30.0.12, where the model says 10.244.1.5',
  ]);
  const nowhere = live([], []);
  expect(nowhere).toMatchObject({ result: 'unseen', differences: ['on b the kernel saw no such packet leave'] });
  expect(liveText(nowhere)).toMatch(/^Kernel {3}no node saw the packet; /);
});

test('rules are compared with their chains; indexes of endpoints and the number of lb chains depend on the past', () => {
  const table = (index: number, more: readonly string[] = []) => [
    'map endpoints-16 {',
    'type ipv4_addr . inet_proto . inet_service . integer : ipv4_addr . inet_service',
    `elements = { 10.96.0.9 . tcp . 80 . ${index} : 10.244.0.7 . 80 }`,
    '}',
    `chain lb-${index} {`,
    'dnat ip to numgen random mod 2 map @endpoints-16',
    '}',
    'chain services {',
    ...more,
    '}',
  ];
  expect(live([sent], [flow('10.244.0.7')], [table(1), table(2)]).differences).toEqual([]);
  expect(live([sent], [flow('10.244.0.7')], [table(1, ['tcp dport 80 drop']), table(1)]).differences).toEqual([
    'on b the kernel has what no object gives rise to: chain services: tcp dport 80 drop',
  ]);
  expect(live([sent], [flow('10.244.0.7')], [table(1), table(1, ['ct state new accept'])]).differences).toEqual([
    'on b the kernel lacks: chain services: ct state new accept',
  ]);
});

test('a packet that is given another id on its way out is one, and each node that translates it is followed', () => {
  const leaving = 'trace id 9 ip portico-proxy filter-forward';
  const out = [
    `${leaving} packet: iif "cni0" oif "eth0" ip saddr 10.244.1.5 ip daddr 172.30.0.12 ip protocol tcp tcp sport 23000 tcp dport 30080`,
    `${leaving} rule ct state new jump cluster-ips-check (verdict jump cluster-ips-check)`,
  ];
  const asked = sent.replace('10.96.0.9', '172.30.0.12').replace('dport 80', 'dport 30080');
  const first =
    'tcp 6 60 SYN_SENT src=10.244.1.5 dst=172.30.0.12 sport=23000 dport=30080 src=172.30.0.12 dst=10.244.1.5 sport=30080 dport=23000 mark=0 use=1';
  const there = asked.replace('trace id 1', 'trace id 7');
  const second =
    'tcp 6 60 SYN_SENT src=10.244.1.5 dst=172.30.0.12 sport=23000 dport=30080 src=10.244.1.6 dst=10.244.2.1 sport=80 dport=4711 mark=0 use=1';
  const rules = { kernelRules: [], modelRules: [] };
  const request = {
    trace: {
      outcomes: [{ result: 'arrives', destination: '10.244.1.6:80', source: '10.244.2.1' }],
    } as unknown as Trace,
    isAnswered: true,
    silent: [],
    watchTable: 'portico-watch-x',
    sourcePort: 23000,
    seen: [
      { node: 'b', trace: [asked, ...out], conntrack: [first], ...rules },
      { node: 'd', trace: [others], conntrack: [], ...rules },
      { node: 'c', trace: [there], conntrack: [second], ...rules },
    ],
  };
  const found = compareLive({ ...request, sent: 'connected' });
  expect(found).toMatchObject({ destination: '10.244.1.6:80', source: '10.244.2.1', differences: [] });
  expect(found.hops.map(({ node, steps }) => [node, steps.map(({ chain }) => chain)])).toEqual([
    ['b', ['filter-forward']],
    ['c', []],
  ]);
  expect(compareLive({ ...request, sent: 'no answer' }).differences).toEqual([
    'the model says that 10.244.1.6:80 answers; no answer came to the sender: something on the way back drops it',
  ]);
  expect(compareLive({ ...request, sent: 'no answer', isAnswered: false }).differences).toEqual([]);
});

test('a node that does not answer is named, and takes nothing from what others saw', () => {
  const seen = [
    { node: 'b', trace: [sent, balanced], conntrack: [flow('10.244.0.7')], kernelRules: [], modelRules: [] },
  ];
  const request = { trace, isAnswered: true, watchTable: 'portico-watch-x', sourcePort: 23000, seen };
  const found = compareLive({ ...request, sent: 'connected', silent: ['c'] });
  expect([found.silent, found.differences]).toEqual([['c'], []]);
  expect(liveText(found)).toContain('Silent   c does not answer: what it did is not known');
  expect(liveText(found)).toContain('Agrees   those that answer do what the model says');
});

test('what a node on the way did that does not answer is no difference; a rule that drops before it is', () => {
  const byWayOfC = { outcomes: [{ ...trace.outcomes[0], hops: [{ node: 'b' }, { node: 'c' }] }] } as unknown as Trace;
  const ask = (lines: readonly string[], silent: readonly string[]) =>
    compareLive({ ...request, trace: byWayOfC, sent: 'no answer', silent, seen: [seenBy('b', [sent, ...lines])] })
      .differences;
  expect(ask([], ['c'])).toEqual([]);
  expect(ask([], [])).toEqual(['the kernel sends it to 10.96.0.9:80; the model knows 10.244.0.7:80']);
  const drop = 'trace id 1 ip planted c rule tcp dport 80 drop (verdict drop)';
  expect(ask([drop], ['c'])[0]).toContain('the model says: arrives; in the kernel it is dropped');
});

const request = {
  trace,
  isAnswered: true,
  silent: [],
  watchTable: 'portico-watch-x',
  sourcePort: 23000,
} as const;
const left = `trace id 1 inet portico-watch-x last-postrouting packet: oif "eth0" ip saddr 10.244.1.5 ip daddr 10.244.0.7 ip ttl 63 tcp sport 23000 tcp dport 80 tcp flags == syn`;
const seenBy = (node: string, lines: readonly string[]) => ({
  ...{ node, trace: lines, conntrack: [], kernelRules: [], modelRules: [] },
});

test('whoever is asked may refuse: the packet went there, though connection tracking forgets it at once', () => {
  const found = compareLive({ ...request, sent: 'refused', seen: [seenBy('b', [sent, balanced, left])] });
  expect(found).toMatchObject({ result: 'arrives', destination: '10.244.0.7:80', differences: [] });
  expect(liveText(found)).toContain('Why      whoever has 10.244.0.7:80 refuses: nobody listens at this port there');
});

test('what no rule drops, and the model says is dropped, is dropped where nobody answers', () => {
  const lost = { outcomes: [{ result: 'dropped', destination: '10.244.0.7:80', source: '10.244.1.5' }] };
  const asked = { ...request, trace: lost as unknown as Trace, seen: [seenBy('b', [sent, balanced, left])] };
  expect(compareLive({ ...asked, sent: 'no answer' })).toMatchObject({ result: 'dropped', differences: [] });
  expect(compareLive({ ...asked, sent: 'connected' }).differences).toEqual([
    'the model says: dropped; in the kernel it arrives at 10.244.0.7:80',
  ]);
});

test('an answer that the model knows to miss the sender need not come', () => {
  const missing = { outcomes: [{ ...trace.outcomes[0], isUnanswered: true }] } as unknown as Trace;
  const asked = { ...request, seen: [seenBy('b', [sent, balanced, left])], sent: 'no answer' as const };
  expect(compareLive({ ...asked, trace: missing }).differences).toEqual([]);
  expect(compareLive(asked).differences).toHaveLength(1);
});

test('what stays in a pod concerns no node', () => {
  const outcomes = [{ result: 'arrives', destination: '127.0.0.1:80', source: '127.0.0.1', hops: [] }];
  const asked = { ...request, trace: { outcomes } as unknown as Trace, seen: [seenBy('b', [])] };
  expect(compareLive({ ...asked, sent: 'refused' })).toMatchObject({ result: 'arrives', differences: [] });
});

test('whether the kernel can count packets makes no difference', () => {
  const invalid = '-A KUBE-FORWARD -m conntrack --ctstate INVALID';
  const port = '-A KUBE-NODEPORTS -p tcp --dport 31491';
  const counted = '-m nfacct --nfacct-name ';
  const kernel = [
    `${invalid} ${counted} ct_state_invalid_dropped_pkts -j DROP`,
    `${port} -d 127.0.0.0/8 ${counted} localhost_nps_accepted_pkts -j KUBE-EXT-A`,
    `${port} -j KUBE-EXT-A`,
  ];
  const rules = { node: 'b', kernelRules: kernel, modelRules: [`${invalid} -j DROP`, `${port} -j KUBE-EXT-A`] };
  expect(ruleDifferences(rules)).toEqual([]);
  expect(ruleDifferences({ ...rules, modelRules: [`${port} -j KUBE-EXT-A`] })).toEqual([
    `on b the kernel has what no object gives rise to: ${invalid} -j DROP`,
  ]);
});
