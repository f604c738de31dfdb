// The iptables rules around IPVS: what to masquerade, what to let in, what to refuse (service-semantics 6).
import { table } from '../../apimachinery/table.ts';
import type { Chain, Match, Rule, TableName, TableUpdate, Target } from '../../iptables/ruleset.ts';
import type { ProxyConfig } from '../config.ts';
import { comment, forwardRules, fromPods, natChains, toChain } from '../iptables/base.ts';
import type { Footprint } from '../iptables/footprint.ts';
import type { Jump } from '../iptables/jumps.ts';
import type { ServicePortPlan } from '../plan.ts';
import { fullName, type SetMembers, type SetName, setComment } from './sets.ts';

const names = {
  services: 'KUBE-SERVICES',
  postrouting: 'KUBE-POSTROUTING',
  nodePort: 'KUBE-NODE-PORT',
  loadBalancer: 'KUBE-LOAD-BALANCER',
  markMasquerade: 'KUBE-MARK-MASQ',
  forward: 'KUBE-FORWARD',
  proxyFirewall: 'KUBE-PROXY-FIREWALL',
  sourceRanges: 'KUBE-SOURCE-RANGES-FIREWALL',
  filter: 'KUBE-IPVS-FILTER',
  outFilter: 'KUBE-IPVS-OUT-FILTER',
} as const;

const accept: Target = { kind: 'ACCEPT' };
const back: Target = { kind: 'RETURN' };

/** Makes the rules that are written only while their set has members. */
class SetRules {
  readonly #config: ProxyConfig;
  readonly #members: SetMembers;

  constructor(config: ProxyConfig, members: SetMembers) {
    this.#config = config;
    this.#members = members;
  }

  match(set: SetName, flags: string): Match {
    return { kind: 'in-set', set: fullName(set, this.#config.family), flags };
  }

  /** Nothing when the set is empty. */
  when(set: SetName, flags: string, target: Target): Rule[] {
    if (!this.#members.has(set)) return [];
    return [{ matches: [comment(setComment(set)), this.match(set, flags)], target }];
  }

  /** The same with further matches before and after that of the set. */
  whenAlso(set: SetName, matches: { before?: readonly Match[]; after?: readonly Match[] }, target: Target): Rule[] {
    const flags = set.startsWith('NODE-PORT') && !set.endsWith('HASH') ? 'dst' : 'dst,dst';
    return this.when(set, flags, target).map((rule) => {
      const [note, ...rest] = rule.matches;
      return { ...rule, matches: [...(matches.before ?? []), note!, ...rest, ...(matches.after ?? [])] };
    });
  }
}

function clusterIPRules(config: ProxyConfig, rules: SetRules): Rule[] {
  const mark = toChain(names.markMasquerade);
  if (config.masqueradeAll) return rules.when('CLUSTER-IP', 'dst,dst', mark);
  if (!config.localDetector) return rules.when('CLUSTER-IP', 'src,dst', mark);
  return rules.whenAlso('CLUSTER-IP', { after: [fromPods(config.localDetector, { not: true })] }, mark);
}

function externalIPRules(rules: SetRules): Rule[] {
  const fromElsewhere: Match[] = [
    { kind: 'from-bridge-port', not: true },
    { kind: 'source-type', type: 'LOCAL', not: true },
  ];
  const toThisNode: Match[] = [{ kind: 'destination-type', type: 'LOCAL' }];
  return [
    ...rules.when('EXTERNAL-IP', 'dst,dst', toChain(names.markMasquerade)),
    ...(['EXTERNAL-IP', 'EXTERNAL-IP-LOCAL'] as const).flatMap((set) => [
      ...rules.whenAlso(set, { after: fromElsewhere }, accept),
      ...rules.whenAlso(set, { after: toThisNode }, accept),
    ]),
  ];
}

function nodePortRules(rules: SetRules): Rule[] {
  const kinds = [
    ['tcp', 'NODE-PORT-LOCAL-TCP', 'NODE-PORT-TCP'],
    ['udp', 'NODE-PORT-LOCAL-UDP', 'NODE-PORT-UDP'],
    ['sctp', 'NODE-PORT-LOCAL-SCTP-HASH', 'NODE-PORT-SCTP-HASH'],
  ] as const;
  return kinds.flatMap(([protocol, local, all]) => {
    const before: Match[] = [{ kind: 'protocol-number', protocol }];
    return [
      ...rules.whenAlso(local, { before }, back),
      ...rules.whenAlso(all, { before }, toChain(names.markMasquerade)),
    ];
  });
}

function natTable(config: ProxyConfig, members: SetMembers, rules: SetRules): TableUpdate {
  const loopback = config.family === 'IPv4' ? '127.0.0.0/8' : '::1/128';
  const [postrouting, markMasquerade] = natChains(config);
  const onlyAccept = (set: SetName): Rule[] =>
    members.has(set) ? [{ matches: [rules.match(set, 'dst,dst')], target: accept }] : [];
  const portals: Rule[] = [
    { matches: [{ kind: 'source', address: loopback }], target: back },
    ...rules.when('LOAD-BALANCER', 'dst,dst', toChain(names.loadBalancer)),
    ...clusterIPRules(config, rules),
    ...externalIPRules(rules),
    { matches: [{ kind: 'destination-type', type: 'LOCAL' }], target: toChain(names.nodePort) },
    ...onlyAccept('CLUSTER-IP'),
    ...onlyAccept('LOAD-BALANCER'),
  ];
  const hairpin = rules.when('LOOP-BACK', 'dst,dst,src', { kind: 'MASQUERADE', randomFully: false });
  return {
    name: 'nat',
    chains: [
      { name: names.services, rules: portals },
      { name: names.postrouting, rules: [...hairpin, ...postrouting.rules] },
      markMasquerade,
      {
        name: names.loadBalancer,
        rules: [
          ...rules.when('LOAD-BALANCER-LOCAL', 'dst,dst', back),
          { matches: [], target: toChain(names.markMasquerade) },
        ],
      },
      { name: names.nodePort, rules: nodePortRules(rules) },
    ],
  };
}

/** Replies of a load balancer address to a node that may not use it: the node's own packets enter by no firewall chain. */
function outFilterRules(plans: readonly ServicePortPlan[]): Rule[] {
  return plans.flatMap(({ servicePort, firewall }) => {
    if (!firewall || firewall.nodeAllowed) return [];
    const { protocol, port, loadBalancerIPs } = servicePort;
    return loadBalancerIPs.map(
      (address): Rule => ({
        matches: [
          { kind: 'source', address },
          { kind: 'virtual-server', address, protocol, port },
        ],
        target: { kind: 'DROP' },
      }),
    );
  });
}

function filterRules(rules: SetRules): Rule[] {
  const known = ['LOAD-BALANCER', 'CLUSTER-IP', 'EXTERNAL-IP', 'EXTERNAL-IP-LOCAL'] as const;
  return [
    ...known.map((set): Rule => ({ matches: [rules.match(set, 'dst,dst')], target: back })),
    { matches: [rules.match('HEALTH-CHECK-NODE-PORT', 'dst')], target: back },
    {
      matches: [{ kind: 'ct-state', states: ['NEW'] }, rules.match('IPVS-IPS', 'dst')],
      target: { kind: 'REJECT' },
    },
  ];
}

function filterTable(plans: readonly ServicePortPlan[], config: ProxyConfig, rules: SetRules): TableUpdate {
  const healthCheck: Rule = {
    matches: [comment(setComment('HEALTH-CHECK-NODE-PORT')), rules.match('HEALTH-CHECK-NODE-PORT', 'dst')],
    target: accept,
  };
  const chains: Chain[] = [
    { name: names.forward, rules: forwardRules(config) },
    { name: names.nodePort, rules: [healthCheck] },
    { name: names.proxyFirewall, rules: rules.when('LOAD-BALANCER-FW', 'dst,dst', toChain(names.sourceRanges)) },
    {
      name: names.sourceRanges,
      rules: [
        ...rules.when('LOAD-BALANCER-SOURCE-CIDR', 'dst,dst,src', back),
        ...rules.when('LOAD-BALANCER-SOURCE-IP', 'dst,dst,src', back),
        { matches: [], target: { kind: 'DROP' } },
      ],
    },
    { name: names.filter, rules: filterRules(rules) },
    { name: names.outFilter, rules: outFilterRules(plans) },
  ];
  return { name: 'filter', chains };
}

/** All chains of tables filter and nat, whole. */
export function ipvsUpdates(
  plans: readonly ServicePortPlan[],
  config: ProxyConfig,
  members: SetMembers,
): TableUpdate[] {
  const rules = new SetRules(config, members);
  return [filterTable(plans, config, rules), natTable(config, members, rules)];
}

function jumpsOf(): Jump[] {
  const jump = (table: TableName, from: string, to: string, note: string): Jump => ({
    table,
    from,
    rule: { matches: [comment(note)], target: toChain(to) },
  });
  const access = 'kubernetes ipvs access filter';
  const firewall = 'kube-proxy firewall rules';
  return [
    jump('nat', 'OUTPUT', names.services, 'kubernetes service portals'),
    jump('nat', 'PREROUTING', names.services, 'kubernetes service portals'),
    jump('nat', 'POSTROUTING', names.postrouting, 'kubernetes postrouting rules'),
    jump('filter', 'FORWARD', names.forward, 'kubernetes forwarding rules'),
    jump('filter', 'INPUT', names.nodePort, 'kubernetes health check rules'),
    jump('filter', 'INPUT', names.proxyFirewall, firewall),
    jump('filter', 'FORWARD', names.proxyFirewall, firewall),
    jump('filter', 'INPUT', names.filter, access),
    jump('filter', 'OUTPUT', names.outFilter, access),
  ];
}

/** The jumps in the order in which they are put at the top: later ones end up above earlier ones. */
export const ipvsJumps: readonly Jump[] = jumpsOf();

const ownChains = table<readonly string[]>({
  nat: [names.services, names.postrouting, names.markMasquerade, names.loadBalancer, names.nodePort],
  filter: [names.forward, names.nodePort, names.proxyFirewall, names.sourceRanges, names.filter, names.outFilter],
});

/** What the ipvs mode leaves among the rules of iptables. */
export const ipvsFootprint: Footprint = {
  jumps: ipvsJumps,
  isOwn: (table, chain) => ownChains[table]?.includes(chain) ?? false,
};

/** A chain of each table that no other mode has: where it is missing, somebody flushed the table. */
export const ipvsCanaries: readonly { readonly table: TableName; readonly chain: string }[] = [
  { table: 'nat', chain: names.loadBalancer },
  { table: 'filter', chain: names.filter },
];
