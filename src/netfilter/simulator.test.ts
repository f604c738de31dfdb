import { describe, expect, test } from 'vitest';
import type * as iptables from '../iptables/ruleset.ts';
import type { Chain, NftSet, Rule, SetDeclaration, Statement, Table } from '../nftables/ruleset.ts';
import type { NodeNetwork, Outcome, Packet, Ruleset } from './packet.ts';
import { replyTo } from './reply.ts';
import { PacketSimulator } from './simulator.ts';
import { stepText } from './text.ts';

const network: NodeNetwork = {
  devices: [
    { name: 'eth0', addresses: ['172.18.0.2'] },
    { name: 'pods', addresses: ['10.244.1.1'] },
  ],
  routes: [
    { destination: '10.244.1.0/24', device: 'pods' },
    { destination: '172.18.0.0/24', device: 'eth0' },
    { destination: '0.0.0.0/0', device: 'eth0', via: '172.18.0.1' },
  ],
};

const vip = { address: '10.96.0.1', port: 80 };
const client = { address: '192.0.2.9', port: 4000 };
const fromOutside: Packet = { protocol: 'tcp', source: client, destination: vip, inInterface: 'eth0' };

const rule = (...statements: Statement[]): Rule => ({ statements });
function base(type: 'filter' | 'nat', hook: NonNullable<Chain['hook']>['hook'], ...rules: Rule[]): Chain {
  const priority = type === 'filter' ? 0 : hook === 'postrouting' ? 100 : -100;
  return { name: `${type}-${hook}`, hook: { type, hook, priority }, rules };
}
function nftables(chains: readonly Chain[], sets: readonly NftSet[] = []): Ruleset {
  const table: Table = {
    family: 'ip',
    name: 't',
    sets: new Map(sets.map((set) => [set.declaration.name, set])),
    chains: new Map(chains.map((chain) => [chain.name, chain])),
  };
  return { nftables: [table] };
}
const set = (declaration: SetDeclaration, elements: Record<string, string>): NftSet => ({
  declaration,
  elements: new Map(Object.entries(elements)),
});

function send(ruleset: Ruleset, packet: Packet = fromOutside): Outcome[] {
  return new PacketSimulator({ ruleset, network }).send(packet);
}
const brief = ({ verdict, source, destination, probability }: Outcome) =>
  `${verdict.kind} ${source.address} -> ${destination.address}:${destination.port} ${probability}`;

describe('without rules', () => {
  test.each<[string, Partial<Packet>, string]>([
    ['what is not for the node is sent on', {}, 'sent 192.0.2.9 -> 10.96.0.1:80 1'],
    [
      'what is for the node is its own',
      { destination: { address: '172.18.0.2', port: 22 } },
      'local 192.0.2.9 -> 172.18.0.2:22 1',
    ],
    [
      'loopback from elsewhere is dropped',
      { destination: { address: '127.0.0.1', port: 22 } },
      'martian 192.0.2.9 -> 127.0.0.1:22 1',
    ],
  ])('%s', (_, change, outcome) => {
    expect(send({}, { ...fromOutside, ...change }).map(brief)).toEqual([outcome]);
  });

  test('the node picks its source by the route, and speaks to itself as itself', () => {
    const to = (address: string) => send({}, { protocol: 'udp', destination: { address, port: 53 } }).map(brief);
    expect(to('10.244.1.9')).toEqual(['sent 10.244.1.1 -> 10.244.1.9:53 1']);
    expect(to('172.18.0.2')).toEqual(['local 172.18.0.2 -> 172.18.0.2:53 1']);
    expect(to('127.0.0.1')).toEqual(['local 127.0.0.1 -> 127.0.0.1:53 1']);
  });
});

describe('nftables', () => {
  const endpoints = set(
    { kind: 'map', name: 'endpoints', type: '' },
    { '10.96.0.1 . tcp . 80 . 0': '10.244.1.5 . 8080', '10.96.0.1 . tcp . 80 . 1': '10.244.1.6 . 8080' },
  );
  const services = set({ kind: 'map', name: 'services', type: '' }, { '10.96.0.1 . tcp . 80': 'goto lb-2' });
  const key = ['ip daddr', 'meta l4proto', 'th dport'] as const;
  const balancing: Chain = {
    name: 'lb-2',
    rules: [
      rule({
        kind: 'dnat-map',
        family: 'ip',
        key: [...key, { kind: 'numgen', mod: 2, offset: 0 }],
        map: 'endpoints',
      }),
    ],
  };
  const masquerading = base(
    'nat',
    'postrouting',
    rule({ kind: 'match-mark', bits: 4 }, { kind: 'mark', op: '^', bits: 4 }, { kind: 'masquerade' }),
  );
  const balanced = nftables(
    [
      base('nat', 'prerouting', rule({ kind: 'mark', op: '|', bits: 4 }), rule({ kind: 'vmap', key, map: 'services' })),
      balancing,
      masquerading,
    ],
    [services, endpoints],
  );

  test('dice give each endpoint its share, and the source is masked', () => {
    expect(send(balanced).map(brief)).toEqual([
      'sent 10.244.1.1 -> 10.244.1.5:8080 0.5',
      'sent 10.244.1.1 -> 10.244.1.6:8080 0.5',
    ]);
  });

  test('every step says what decided', () => {
    expect(send(balanced)[0]!.steps.map(stepText)).toEqual([
      'prerouting: ip t nat-prerouting: meta mark set meta mark | 0x4 => 192.0.2.9:4000 -> 10.96.0.1:80 mark 0x4',
      'prerouting: ip t nat-prerouting: ip daddr . meta l4proto . th dport vmap @services [services: 10.96.0.1 . tcp . 80 : goto lb-2] => 192.0.2.9:4000 -> 10.96.0.1:80 mark 0x4',
      'prerouting: ip t lb-2: meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints [endpoints: 10.96.0.1 . tcp . 80 . 0 : 10.244.1.5 . 8080] (50.00 %) => 192.0.2.9:4000 -> 10.244.1.5:8080 mark 0x4',
      'prerouting: route 10.244.1.0/24 dev pods => 192.0.2.9:4000 -> 10.244.1.5:8080 mark 0x4',
      'postrouting: ip t nat-postrouting: meta mark & 0x4 != 0 meta mark set meta mark ^ 0x4 masquerade fully-random => 10.244.1.1:4000 -> 10.244.1.5:8080',
    ]);
  });

  test('a packet of a known connection is translated as the first one, and so is the answer', () => {
    const [first] = send(balanced);
    const later: Packet = {
      ...fromOutside,
      connection: { state: 'established', destination: first!.destination, source: first!.source },
    };
    expect(send(balanced, later).map(brief)).toEqual(['sent 10.244.1.1 -> 10.244.1.5:8080 1']);
    const answer = replyTo(fromOutside, first!, 'pods');
    expect(send(balanced, answer).map(brief)).toEqual(['sent 10.96.0.1 -> 192.0.2.9:4000 1']);
  });

  test('an element that a map lacks leaves the packet as it is', () => {
    const without = nftables([base('nat', 'prerouting', ...balancing.rules)], [set(endpoints.declaration, {})]);
    expect(send(without).map(brief)).toEqual([
      'sent 192.0.2.9 -> 10.96.0.1:80 0.5',
      'sent 192.0.2.9 -> 10.96.0.1:80 0.5',
    ]);
  });

  test('goto does not come back, jump does, and an accepted packet meets the next hook', () => {
    const drop = rule({ kind: 'drop' });
    const way = (kind: 'jump' | 'goto', inner: Rule) =>
      send(
        nftables([base('filter', 'forward', rule({ kind, chain: 'inner' }), drop), { name: 'inner', rules: [inner] }]),
      )[0]!.verdict.kind;
    const nothing = rule({ kind: 'match', field: 'ct state', op: '==', values: ['established'] }, { kind: 'accept' });
    expect(way('jump', nothing)).toBe('drop');
    expect(way('goto', nothing)).toBe('sent');
    expect(way('jump', rule({ kind: 'accept' }))).toBe('sent');
    expect(way('jump', rule({ kind: 'return' }))).toBe('drop');
    const later = { ...base('filter', 'forward', rule({ kind: 'reject' })), name: 'later' };
    expect(send(nftables([base('filter', 'forward', rule({ kind: 'accept' })), later]))[0]!.verdict.kind).toBe(
      'reject',
    );
  });

  test('prefixes, intervals and wildcards hold what is within them', () => {
    const dropped = (...statements: Statement[]) =>
      send(
        nftables(
          [base('filter', 'prerouting', rule(...statements, { kind: 'drop' }))],
          [
            set(
              { kind: 'set', name: 'sources', type: '', flags: ['interval'] },
              { '10.96.0.1 . tcp . 80 . 192.0.2.0/28': '', '10.96.0.2 . tcp . 80 . 0.0.0.0/0': '' },
            ),
          ],
        ),
      )[0]!.verdict.kind === 'drop';
    const match = (field: 'ip saddr' | 'meta iifname', ...values: string[]): Statement => ({
      kind: 'match',
      field,
      op: '==',
      values,
    });
    expect(dropped(match('ip saddr', '10.0.0.0/8', '192.0.2.0/24'))).toBe(true);
    expect(dropped(match('ip saddr', '192.0.2.0/29'))).toBe(false);
    expect(dropped(match('meta iifname', '"et*"'))).toBe(true);
    expect(dropped(match('meta iifname', '"eth"'))).toBe(false);
    const lookup = (op: '==' | '!='): Statement => ({ kind: 'lookup', key: [...key, 'ip saddr'], op, set: 'sources' });
    expect(dropped(lookup('=='))).toBe(true);
    expect(dropped(lookup('!='))).toBe(false);
  });

  test('of several chains that translate, the first to do so is the last', () => {
    const to = (address: string): Rule => rule({ kind: 'dnat', family: 'ip', address, port: 1 });
    const second = { ...base('nat', 'prerouting', to('10.244.1.9')), name: 'second' };
    expect(send(nftables([base('nat', 'prerouting', to('10.244.1.8')), second])).map(brief)).toEqual([
      'sent 192.0.2.9 -> 10.244.1.8:1 1',
    ]);
  });

  test('what a process sends to the node itself passes input, and is translated once', () => {
    const ruleset = nftables([
      base('nat', 'output', rule({ kind: 'dnat', family: 'ip', address: '172.18.0.2', port: 6443 })),
      base('nat', 'prerouting', rule({ kind: 'dnat', family: 'ip', address: '10.244.1.9', port: 1 })),
      base('filter', 'input', rule({ kind: 'mark', op: '|', bits: 1 })),
    ]);
    const [outcome] = send(ruleset, { protocol: 'tcp', destination: vip });
    expect(brief(outcome!)).toBe('local 172.18.0.2 -> 172.18.0.2:6443 1');
    expect(outcome!.steps.map((step) => step.hook)).toEqual(['output', 'output', 'prerouting', 'input']);
  });
});

describe('iptables', () => {
  const nat = (...rules: iptables.Rule[]): Ruleset => ({
    iptables: [
      {
        name: 'nat',
        chains: [
          { name: 'PREROUTING', policy: 'ACCEPT', rules: [{ matches: [], target: { kind: 'chain', chain: 'S' } }] },
          { name: 'S', rules },
        ],
      },
    ],
  });
  const to = (address: string): iptables.Target => ({ kind: 'DNAT', to: `${address}:8080` });

  test('rules of one chance after another share the packets evenly', () => {
    const rules = [
      { matches: [{ kind: 'random', probability: 1 / 3 } as const], target: to('10.244.1.5') },
      { matches: [{ kind: 'random', probability: 0.5 } as const], target: to('10.244.1.6') },
      { matches: [], target: to('10.244.1.7') },
    ];
    const outcomes = send(nat(...rules));
    expect(outcomes.map((outcome) => outcome.destination.address)).toEqual(['10.244.1.5', '10.244.1.6', '10.244.1.7']);
    for (const { probability } of outcomes) expect(probability).toBeCloseTo(1 / 3, 9);
  });

  test('a list of recent clients leads them where they were', () => {
    const rules: iptables.Rule[] = [
      { matches: [{ kind: 'recently-seen', list: 'L', seconds: 60 }], target: to('10.244.1.5') },
      { matches: [{ kind: 'remember', list: 'L' }], target: to('10.244.1.6') },
    ];
    const simulator = new PacketSimulator({ ruleset: nat(...rules), network });
    const [first] = simulator.send(fromOutside);
    expect(first!.destination.address).toBe('10.244.1.6');
    expect(first!.remembers).toEqual([{ list: 'L', address: '192.0.2.9' }]);
    const [second] = simulator.send(fromOutside, new Map([['L', new Set(['192.0.2.9'])]]));
    expect(second!.destination.address).toBe('10.244.1.5');
  });

  test('members of sets are made of the fields that the flags name', () => {
    const within = (type: 'hash:ip,port' | 'hash:ip,port,net' | 'bitmap:port', flags: string, member: string) => {
      const ruleset = nat({ matches: [{ kind: 'in-set', set: 'X', flags }], target: { kind: 'DROP' } });
      const ipsets = [{ name: 'X', type, family: 'inet', members: [member] } as const];
      return send({ ...ruleset, ipsets })[0]!.verdict.kind === 'drop';
    };
    expect(within('hash:ip,port', 'dst,dst', '10.96.0.1,tcp:80')).toBe(true);
    expect(within('hash:ip,port', 'src,dst', '10.96.0.1,tcp:80')).toBe(false);
    expect(within('hash:ip,port', 'dst,dst', '10.96.0.1,udp:80')).toBe(false);
    expect(within('hash:ip,port,net', 'dst,dst,src', '10.96.0.1,tcp:80,192.0.2.0/24')).toBe(true);
    expect(within('hash:ip,port,net', 'dst,dst,src', '10.96.0.1,tcp:80,192.0.3.0/24')).toBe(false);
    expect(within('bitmap:port', 'dst', '80')).toBe(true);
  });
});

describe('ipvs', () => {
  const server = {
    protocol: 'tcp',
    address: vip.address,
    port: vip.port,
    scheduler: 'rr',
    persistentSeconds: undefined,
    realServers: [
      { address: '10.244.1.5', port: 8080, weight: 1 },
      { address: '10.244.1.6', port: 8080, weight: 0 },
      { address: '10.244.1.7', port: 8080, weight: 1 },
    ],
  } as const;
  const hookDrops = (chain: 'INPUT' | 'OUTPUT' | 'FORWARD'): Ruleset => ({
    addresses: [vip.address],
    virtualServers: [server],
    iptables: [
      {
        name: 'filter',
        chains: [{ name: chain, policy: 'ACCEPT', rules: [{ matches: [], target: { kind: 'DROP' } }] }],
      },
    ],
  });

  test('those with a weight share the packets, which pass input and output but not forward', () => {
    expect(send({ addresses: [vip.address], virtualServers: [server] }).map(brief)).toEqual([
      'sent 192.0.2.9 -> 10.244.1.5:8080 0.5',
      'sent 192.0.2.9 -> 10.244.1.7:8080 0.5',
    ]);
    expect(send(hookDrops('INPUT')).map(brief)).toEqual(['drop 192.0.2.9 -> 10.96.0.1:80 1']);
    expect(send(hookDrops('OUTPUT')).map((outcome) => outcome.verdict.kind)).toEqual(['drop', 'drop']);
    expect(send(hookDrops('FORWARD')).map((outcome) => outcome.verdict.kind)).toEqual(['sent', 'sent']);
  });

  test('a server without real servers refuses; the node calls it by its own address', () => {
    const empty = { addresses: [vip.address], virtualServers: [{ ...server, realServers: [] }] };
    expect(send(empty).map((outcome) => outcome.verdict.kind)).toEqual(['reject']);
    const [outcome] = send({ ...empty, virtualServers: [server] }, { protocol: 'tcp', destination: vip });
    expect(outcome!.source.address).toBe(vip.address);
  });

  test('a persistent client stays', () => {
    const ruleset = { addresses: [vip.address], virtualServers: [{ ...server, persistentSeconds: 60 }] };
    const simulator = new PacketSimulator({ ruleset, network });
    const [, second] = simulator.send(fromOutside);
    const memory = new Map(second!.remembers.map(({ list, address }) => [list, new Set([address])]));
    expect(simulator.send(fromOutside, memory).map(brief)).toEqual(['sent 192.0.2.9 -> 10.244.1.7:8080 1']);
  });
});
