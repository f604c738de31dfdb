// A plan as an nftables table of one family: the same few rules for every isolation, and sets that say who is let through.
import { type IPFamily, parseIP } from '../net/ip.ts';
import type {
  Chain,
  Elements,
  Field,
  NftFamily,
  NftSet,
  Rule,
  SetDeclaration,
  Statement,
  Table,
} from '../nftables/ruleset.ts';
import type { Allow, Direction, Isolation, PolicyPlan, Protocol } from './plan.ts';
import { addressText, type Box, disjoint, portText, type Range, rangesOf, union } from './ranges.ts';

export const tableName = 'portico-networkpolicy';

/** Longer comments nft refuses. */
const longestComment = 128;

/**
 * Just after priority `filter`, at which the proxy refuses what no endpoint is there for. Of two chains with one priority the
 * kernel asks first the one that was made last, so that such a packet would be refused or dropped as it happens.
 */
const afterFilter = 1;
const accept: Statement = { kind: 'accept' };
const rule = (...statements: Statement[]): Rule => ({ statements });
const podsOf = (direction: Direction) => `${direction}-pods`;
const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

/** The table of one family; undefined when no pod is isolated, since then there is none. */
export function policyTable(plan: PolicyPlan, family: IPFamily): Table | undefined {
  const nft: NftFamily = family === 'IPv4' ? 'ip' : 'ip6';
  const isolated = (direction: Direction) => [...plan[direction]].filter(([ip]) => isOf(family, ip));
  const own = new Set([...isolated('ingress'), ...isolated('egress')].map(([ip]) => ip));
  if (own.size === 0) return undefined;
  const address = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const sets: NftSet[] = [
    set(
      'own',
      `${address} . ${address}`,
      [...own].map((ip) => `${ip} . ${ip}`),
    ),
  ];
  const chains: Chain[] = [];
  for (const direction of ['egress', 'ingress'] as const) {
    const pods = isolated(direction);
    sets.push({
      declaration: { kind: 'map', name: podsOf(direction), type: `type ${address} : verdict` },
      elements: new Map(pods.map(([ip, isolation]) => [ip, `jump ${chainName(isolation)}`])),
    });
    for (const isolation of new Set(pods.map(([, one]) => one))) {
      sets.push(...setsOf(isolation, family));
      chains.push(chainOf(isolation, nft));
    }
  }
  chains.push(forward(nft));
  return {
    family: nft,
    name: tableName,
    comment: 'NetworkPolicies, written by portico agent',
    sets: new Map(sets.map((one) => [one.declaration.name, one])),
    chains: new Map(chains.map((chain) => [chain.name, chain])),
  };
}

/**
 * After DNAT and before SNAT: pods stand under their own addresses here, clients under theirs. What this node itself sends,
 * or is sent, passes other hooks: it is always let through.
 */
function forward(nft: NftFamily): Chain {
  const source: Field = `${nft} saddr`;
  const destination: Field = `${nft} daddr`;
  const neighbours: Rule[] =
    nft === 'ip'
      ? []
      : [
          rule(
            { kind: 'match', field: 'icmpv6 type', op: '==', values: ['nd-neighbor-solicit', 'nd-neighbor-advert'] },
            accept,
          ),
        ];
  return {
    name: 'forward',
    hook: { type: 'filter', hook: 'forward', priority: afterFilter },
    rules: [
      rule({ kind: 'match', field: 'ct state', op: '==', values: ['established', 'related'] }, accept),
      // On the bridge pods ask each other for their link addresses.
      ...neighbours,
      {
        ...rule({ kind: 'lookup', key: [source, destination], op: '==', set: 'own' }, accept),
        comment: 'a pod reaches itself',
      },
      rule({ kind: 'vmap', key: [source], map: podsOf('egress') }),
      rule({ kind: 'vmap', key: [destination], map: podsOf('ingress') }),
    ],
  };
}

const chainName = ({ direction, id }: Isolation) => `${direction}-${id}`;

/** Who is in a set of it returns, and goes on to the other end's isolation; who is in none is dropped. */
function chainOf(isolation: Isolation, nft: NftFamily): Chain {
  const name = chainName(isolation);
  const peer: Field = isolation.direction === 'ingress' ? `${nft} saddr` : `${nft} daddr`;
  const ports: Field[] = ['meta l4proto', 'th dport'];
  const back = (key: Field[], of: string) =>
    rule({ kind: 'lookup', key, op: '==', set: `${name}-${of}` }, { kind: 'return' });
  return {
    name,
    rules: [
      back([peer], 'peers'),
      back([peer], 'blocks'),
      back(ports, 'ports'),
      back([peer, ...ports], 'peer-ports'),
      back([peer, ...ports], 'block-ports'),
      { ...rule({ kind: 'drop' }), comment: isolation.policies.join(' ').slice(0, longestComment) },
    ],
  };
}

function set(name: string, type: string, keys: Iterable<string>, flags?: SetDeclaration['flags']): NftSet {
  const elements: Elements = new Map([...keys].map((key) => [key, '']));
  return { declaration: { kind: 'set', name, type: `type ${type}`, ...(flags && { flags }) }, elements };
}

function setsOf(isolation: Isolation, family: IPFamily): NftSet[] {
  const name = chainName(isolation);
  const address = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const ports = 'inet_proto . inet_service';
  const { allows } = isolation;
  return [
    set(`${name}-peers`, address, new Set(allows.filter(hasNoPorts).flatMap((allow) => addressesOf(allow, family)))),
    set(`${name}-blocks`, address, blockKeys(allows, family), ['interval']),
    set(`${name}-ports`, ports, portKeys(allows), ['interval']),
    set(`${name}-peer-ports`, `${address} . ${ports}`, peerPortKeys(allows, family)),
    set(`${name}-block-ports`, `${address} . ${ports}`, blockPortKeys(allows, family), ['interval']),
  ];
}

const hasNoPorts = ({ ports }: Allow) => ports === undefined;

/** Of an address in canonical text, of which there are many. */
const isOf = (family: IPFamily, address: string) => address.includes(':') === (family === 'IPv6');

function addressesOf({ peers }: Allow, family: IPFamily): string[] {
  return [...(peers?.addresses ?? [])].filter((ip) => isOf(family, ip));
}

function blockRanges({ peers }: Allow, family: IPFamily): Range<bigint>[] {
  return (peers?.blocks ?? []).filter(({ cidr }) => cidr.family === family).flatMap(rangesOf);
}

const everywhere = (family: IPFamily): Range<bigint> => ({
  from: 0n,
  to: (family === 'IPv4' ? 1n << 32n : 1n << 128n) - 1n,
});

function blockKeys(allows: readonly Allow[], family: IPFamily): string[] {
  const ranges = allows
    .filter(hasNoPorts)
    .flatMap((allow) => (allow.peers === undefined ? [everywhere(family)] : blockRanges(allow, family)));
  return union(ranges).map((range) => addressText(range, family));
}

function portKeys(allows: readonly Allow[]): string[] {
  const ports = allows.filter(({ peers }) => peers === undefined).flatMap((allow) => allow.ports ?? []);
  return protocols.flatMap((protocol) =>
    union(ports.filter((range) => range.protocol === protocol)).map(
      (range) => `${protocol.toLowerCase()} . ${portText(range)}`,
    ),
  );
}

/** Single ports of single addresses: they are found by their hash, and need not be disjoint. */
function peerPortKeys(allows: readonly Allow[], family: IPFamily): Set<string> {
  const keys = new Set<string>();
  for (const allow of allows) {
    for (const { protocol, from, to } of allow.ports ?? []) {
      if (from !== to) continue;
      for (const address of addressesOf(allow, family)) keys.add(`${address} . ${protocol.toLowerCase()} . ${from}`);
    }
  }
  return keys;
}

function blockPortKeys(allows: readonly Allow[], family: IPFamily): string[] {
  return protocols.flatMap((protocol) => {
    const boxes = allows.flatMap((allow): Box[] => {
      const listed = (allow.ports ?? []).filter((range) => range.protocol === protocol);
      const ports = union(listed);
      const wide = union(listed.filter(({ from, to }) => from !== to));
      const single = wide.length > 0 ? addressesOf(allow, family).map(rangeOfAddress) : [];
      return [
        ...(ports.length > 0 ? blockRanges(allow, family).map((addresses) => ({ addresses, ports })) : []),
        ...single.map((addresses) => ({ addresses, ports: wide })),
      ];
    });
    return disjoint(boxes).flatMap(({ addresses, ports }) =>
      ports.map((range) => `${addressText(addresses, family)} . ${protocol.toLowerCase()} . ${portText(range)}`),
    );
  });
}

function rangeOfAddress(address: string): Range<bigint> {
  const value = parseIP(address)?.value ?? 0n;
  return { from: value, to: value };
}
