// The iptables rules around IPVS: what to masquerade, what to let in, what to refuse (service-semantics 6).
import type { Chain, Match, Rule, Table, Target } from '../../iptables/ruleset.ts';
import type { ProxyConfig } from '../config.ts';
import { comment, fromPods, natChains, toChain } from '../iptables/base.ts';
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

function natTable(config: ProxyConfig, members: SetMembers, rules: SetRules): Table {
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
  const jump = (to: string, note: string): Rule => ({ matches: [comment(note)], target: toChain(to) });
  const portal = jump(names.services, 'kubernetes service portals');
  return {
    name: 'nat',
    chains: [
      { name: 'PREROUTING', policy: 'ACCEPT', rules: [portal] },
      { name: 'INPUT', policy: 'ACCEPT', rules: [] },
      { name: 'OUTPUT', policy: 'ACCEPT', rules: [portal] },
      { name: 'POSTROUTING', policy: 'ACCEPT', rules: [jump(names.postrouting, 'kubernetes postrouting rules')] },
      { name: names.services, rules: portals },
      { name: names.postrouting, rules: [...hairpin, ...postrouting!.rules] },
      markMasquerade!,
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

function filterTable(plans: readonly ServicePortPlan[], config: ProxyConfig, rules: SetRules): Table {
  const jump = (to: string, note: string): Rule => ({ matches: [comment(note)], target: toChain(to) });
  const firewall = jump(names.proxyFirewall, 'kube-proxy firewall rules');
  const access = 'kubernetes ipvs access filter';
  const forward: Rule[] = [
    {
      matches: [comment('kubernetes forwarding rules'), { kind: 'mark', bits: 1 << config.masqueradeBit }],
      target: accept,
    },
    {
      matches: [
        comment('kubernetes forwarding conntrack rule'),
        { kind: 'ct-state', states: ['RELATED', 'ESTABLISHED'] },
      ],
      target: accept,
    },
  ];
  const healthCheck: Rule = {
    matches: [comment(setComment('HEALTH-CHECK-NODE-PORT')), rules.match('HEALTH-CHECK-NODE-PORT', 'dst')],
    target: accept,
  };
  const input = [jump(names.filter, access), firewall, jump(names.nodePort, 'kubernetes health check rules')];
  const chains: Chain[] = [
    { name: 'INPUT', policy: 'ACCEPT', rules: input },
    { name: 'FORWARD', policy: 'ACCEPT', rules: [firewall, jump(names.forward, 'kubernetes forwarding rules')] },
    { name: 'OUTPUT', policy: 'ACCEPT', rules: [jump(names.outFilter, access)] },
    { name: names.forward, rules: forward },
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

/** Tables nat and filter, with the jumps from the kernel's own chains. */
export function ipvsTables(plans: readonly ServicePortPlan[], config: ProxyConfig, members: SetMembers): Table[] {
  const rules = new SetRules(config, members);
  return [filterTable(plans, config, rules), natTable(config, members, rules)];
}
