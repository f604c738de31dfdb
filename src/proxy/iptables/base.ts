// The rules that are there whatever Services there are (service-semantics 4.1, 4.3).
import type { Chain, Match, Rule, TableName, Target } from '../../iptables/ruleset.ts';
import { type LocalDetector, masqueradeMark, type ProxyConfig } from '../config.ts';
import type { Jump } from './jumps.ts';
import { type PacketCounter, packetCounters, plainKernel } from './kernel-facts.ts';
import { chains } from './names.ts';

export const comment = (text: string): Match => ({ kind: 'comment', text });
export const toChain = (chain: string): Target => ({ kind: 'chain', chain });

/** Matches a packet for an address, protocol and port, in kube-proxy's order. */
export function forDestination(protocol: string, ip: string, port: number): Match[] {
  return [
    { kind: 'protocol', protocol },
    { kind: 'destination', address: ip },
    { kind: 'destination-port', port },
  ];
}

/** Matches the traffic of pods, or (`not`) all other traffic. */
export function fromPods(detector: LocalDetector, not?: { readonly not: boolean }): Match {
  switch (detector.kind) {
    case 'cidr':
      return { kind: 'source', address: detector.cidr, ...not };
    case 'interface':
      return { kind: 'in-interface', name: detector.name, ...not };
    case 'interface-prefix':
      return { kind: 'in-interface', name: `${detector.prefix}+`, ...not };
  }
}

/** Counts where the counter is there. */
export function countIn(counter: PacketCounter, present: readonly PacketCounter[]): Match[] {
  return present.includes(counter) ? [{ kind: 'count', counter }] : [];
}

/** The jumps in the order in which they are put at the top: later ones end up above earlier ones. */
export function baseJumps(): Jump[] {
  const isNew: Match = { kind: 'ct-state', states: ['NEW'] };
  const jump = (table: TableName, from: string, to: string, ...matches: Match[]): Jump => ({
    table,
    from,
    rule: { matches, target: toChain(to) },
  });
  const externally = [isNew, comment('kubernetes externally-visible service portals')];
  const portals = [isNew, comment('kubernetes service portals')];
  const balancer = [isNew, comment('kubernetes load balancer firewall')];
  return [
    jump('filter', 'INPUT', chains.externalServices, ...externally),
    jump('filter', 'FORWARD', chains.externalServices, ...externally),
    jump('filter', 'INPUT', chains.nodePorts, comment('kubernetes health check service ports')),
    jump('filter', 'FORWARD', chains.services, ...portals),
    jump('filter', 'OUTPUT', chains.services, ...portals),
    jump('filter', 'FORWARD', chains.forward, comment('kubernetes forwarding rules')),
    jump('filter', 'INPUT', chains.proxyFirewall, ...balancer),
    jump('filter', 'OUTPUT', chains.proxyFirewall, ...balancer),
    jump('filter', 'FORWARD', chains.proxyFirewall, ...balancer),
    jump('nat', 'OUTPUT', chains.services, comment('kubernetes service portals')),
    jump('nat', 'PREROUTING', chains.services, comment('kubernetes service portals')),
    jump('nat', 'POSTROUTING', chains.postrouting, comment('kubernetes postrouting rules')),
    jump('filter', 'INPUT', chains.firewall),
    jump('filter', 'OUTPUT', chains.firewall),
  ];
}

/** The chains of table nat that are there whatever Services there are, complete. */
export function natChains(config: ProxyConfig): readonly [postrouting: Chain, markMasquerade: Chain] {
  const bits = masqueradeMark(config);
  return [
    {
      name: chains.postrouting,
      rules: [
        { matches: [{ kind: 'mark', bits, not: true }], target: { kind: 'RETURN' } },
        // Without the mark, a packet that goes through the host's chains twice is not masqueraded twice.
        { matches: [], target: { kind: 'MARK', op: 'xor', bits } },
        {
          matches: [comment('kubernetes service traffic requiring SNAT')],
          target: { kind: 'MASQUERADE', randomFully: true },
        },
      ],
    },
    { name: chains.markMasquerade, rules: [{ matches: [], target: { kind: 'MARK', op: 'or', bits } }] },
  ];
}

/** What is forwarded for Services, there and back. */
export function forwardRules(config: ProxyConfig): Rule[] {
  return [
    {
      matches: [comment('kubernetes forwarding rules'), { kind: 'mark', bits: masqueradeMark(config) }],
      target: { kind: 'ACCEPT' },
    },
    {
      matches: [
        comment('kubernetes forwarding conntrack rule'),
        { kind: 'ct-state', states: ['RELATED', 'ESTABLISHED'] },
      ],
      target: { kind: 'ACCEPT' },
    },
  ];
}

/** The chains of table filter that are there whatever Services there are, complete. */
export function filterChains(config: ProxyConfig): Chain[] {
  const { counters, tcpLiberal } = config.kernel ?? plainKernel;
  const invalid: Rule = {
    matches: [{ kind: 'ct-state', states: ['INVALID'] }, ...countIn(packetCounters.invalidDropped, counters)],
    target: { kind: 'DROP' },
  };
  const localnet: Rule = {
    matches: [
      comment('block incoming localnet connections'),
      { kind: 'destination', address: '127.0.0.0/8' },
      { kind: 'source', address: '127.0.0.0/8', not: true },
      { kind: 'ct-state', states: ['RELATED', 'ESTABLISHED', 'DNAT'], not: true },
    ],
    target: { kind: 'DROP' },
  };
  return [
    { name: chains.forward, rules: [...(tcpLiberal ? [] : [invalid]), ...forwardRules(config)] },
    { name: chains.firewall, rules: config.localhostNodePorts ? [localnet] : [] },
  ];
}

/** The end of KUBE-SERVICES in table nat: to the node ports, by the addresses that accept them. */
export function nodePortJumps(config: ProxyConfig): Rule[] {
  const note = comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain');
  const target = toChain(chains.nodePorts);
  if (config.nodePortAddresses !== 'all') {
    return config.nodePortAddresses.map((address) => ({ matches: [note, { kind: 'destination', address }], target }));
  }
  const loopback: Match[] = config.localhostNodePorts
    ? []
    : [{ kind: 'destination', address: config.family === 'IPv4' ? '127.0.0.0/8' : '::1/128', not: true }];
  return [{ matches: [note, { kind: 'destination-type', type: 'LOCAL' }, ...loopback], target }];
}
