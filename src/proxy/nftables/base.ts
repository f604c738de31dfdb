// What the table holds whatever Services there are: the chains that packets enter by, and empty maps for the Services.
import type { Chain, Field, Hook, NftFamily, Rule, SetDeclaration, Statement } from '../../nftables/ruleset.ts';
import { type LocalDetector, masqueradeMark, type ProxyConfig } from '../config.ts';

/** One table per family; kube-proxy's own is called kube-proxy, so that both can be told apart side by side. */
export const tableName = 'portico-proxy';
export const tableComment = 'Services, written by portico proxy';

/** Names of the shared sets and maps. */
export const sets = {
  clusterIPs: 'cluster-ips',
  nodePortIPs: 'nodeport-ips',
  services: 'services',
  externalCluster: 'external-cluster',
  externalLocal: 'external-local',
  nodePorts: 'nodeports',
  nodePortCluster: 'nodeport-cluster',
  nodePortLocal: 'nodeport-local',
  noEndpointServices: 'no-endpoint-services',
  noEndpointNodePorts: 'no-endpoint-nodeports',
  firewalled: 'firewalled',
  firewallSources: 'firewall-sources',
  hairpin: 'hairpin-connections',
} as const;

/** Chains that map elements lead to. */
export const targets = {
  external: 'to-external',
  externalLocal: 'to-external-local',
  nodePort: 'to-nodeport',
  nodePortLocal: 'to-nodeport-local',
  reject: 'reject-chain',
} as const;

export const nftFamily = (config: Pick<ProxyConfig, 'family'>): NftFamily => (config.family === 'IPv4' ? 'ip' : 'ip6');

const drop: Statement = { kind: 'drop' };
const reject: Statement = { kind: 'reject' };

interface Fields {
  readonly family: NftFamily;
  readonly source: Field;
  readonly destination: Field;
  /** Address, protocol and port that a packet is for. */
  readonly service: readonly Field[];
  readonly nodePort: readonly Field[];
}

export function fieldsOf(family: NftFamily): Fields {
  const destination: Field = `${family} daddr`;
  const nodePort: readonly Field[] = ['meta l4proto', 'th dport'];
  return { family, source: `${family} saddr`, destination, service: [destination, ...nodePort], nodePort };
}

const isNew: Statement = { kind: 'match', field: 'ct state', op: '==', values: ['new'] };
const jump = (chain: string): Statement => ({ kind: 'jump', chain });
const chain = (name: string, rules: readonly Rule[], hook?: Hook): Chain => ({ name, rules, ...(hook && { hook }) });
const rule = (...statements: Statement[]): Rule => ({ statements });
const commented = (comment: string, ...statements: Statement[]): Rule => ({ statements, comment });

/** Marks the packet for masquerading after routing. */
function markMasquerade(config: ProxyConfig): Statement {
  return { kind: 'mark', op: '|', bits: masqueradeMark(config) };
}

/** Matches the traffic of pods, or with `!=` all other traffic. */
function fromPods(detector: LocalDetector, source: Field, op: '==' | '!='): Statement {
  switch (detector.kind) {
    case 'cidr':
      return { kind: 'match', field: source, op, values: [detector.cidr] };
    case 'interface':
      return { kind: 'match', field: 'meta iifname', op, values: [`"${detector.name}"`] };
    case 'interface-prefix':
      return { kind: 'match', field: 'meta iifname', op, values: [`"${detector.prefix}*"`] };
  }
}

/** Narrows to packets for an address that accepts node ports. */
function toNodePortAddress(config: ProxyConfig, fields: Fields): Statement[] {
  if (config.nodePortAddresses !== 'all') {
    return [{ kind: 'lookup', key: [fields.destination], op: '==', set: sets.nodePortIPs }];
  }
  const own: Statement = { kind: 'match', field: 'fib daddr type', op: '==', values: ['local'] };
  if (config.localhostNodePorts) return [own];
  const loopback = config.family === 'IPv4' ? localnet : '::1';
  return [own, { kind: 'match', field: fields.destination, op: '!=', values: [loopback] }];
}

const localnet = '127.0.0.0/8';

/**
 * Node ports on 127.0.0.1 need the switch route_localnet, with which the kernel no longer drops what comes from other
 * machines to, or as if from, such an address (CVE-2020-8558). Before any translation nothing of ours looks like that.
 */
function dropForeignLocalnet(fields: Fields): Rule[] {
  const foreign: Statement = { kind: 'match', field: 'meta iifname', op: '!=', values: ['"lo"'] };
  return [fields.destination, fields.source].map((field) =>
    commented(
      '127.0.0.0/8 is this machine only',
      foreign,
      { kind: 'match', field, op: '==', values: [localnet] },
      drop,
    ),
  );
}

const dstnat = -100;
const filter = 0;
const srcnat = 100;

function baseChains(config: ProxyConfig, fields: Fields): Chain[] {
  const firewall = rule(isNew, jump('firewall-check'));
  const noEndpoints = rule(isNew, jump('service-endpoints-check'));
  const clusterIPs = rule(isNew, jump('cluster-ips-check'));
  return [
    // Before destination NAT the packet still shows the address of the load balancer.
    chain('filter-prerouting-pre-dnat', [...(config.localhostNodePorts ? dropForeignLocalnet(fields) : []), firewall], {
      type: 'filter',
      hook: 'prerouting',
      priority: dstnat - 10,
    }),
    chain('filter-output-pre-dnat', [firewall], { type: 'filter', hook: 'output', priority: dstnat - 10 }),
    chain('filter-input', [rule(isNew, jump('nodeport-endpoints-check')), noEndpoints], {
      type: 'filter',
      hook: 'input',
      priority: filter,
    }),
    chain('filter-forward', [noEndpoints, clusterIPs], { type: 'filter', hook: 'forward', priority: filter }),
    chain('filter-output', [noEndpoints, clusterIPs], { type: 'filter', hook: 'output', priority: filter }),
    chain('nat-prerouting', [rule(jump('services'))], { type: 'nat', hook: 'prerouting', priority: dstnat }),
    chain('nat-output', [rule(jump('services'))], { type: 'nat', hook: 'output', priority: dstnat }),
    chain('nat-postrouting', [rule(jump('masquerading'))], { type: 'nat', hook: 'postrouting', priority: srcnat }),
  ];
}

function masqueradeClusterIPs(config: ProxyConfig, fields: Fields): Rule[] {
  const toClusterIP: Statement = { kind: 'lookup', key: [fields.destination], op: '==', set: sets.clusterIPs };
  if (config.masqueradeAll) return [commented('masquerade all clusterIP traffic', toClusterIP, markMasquerade(config))];
  const { localDetector } = config;
  if (!localDetector) return [];
  const outside = fromPods(localDetector, fields.source, '!=');
  return [commented('masquerade clusterIP traffic from outside cluster', toClusterIP, outside, markMasquerade(config))];
}

function clusterIPsCheck(config: ProxyConfig, fields: Fields): Rule[] {
  const toClusterIP: Statement = { kind: 'lookup', key: [fields.destination], op: '==', set: sets.clusterIPs };
  const rules = [commented('Reject traffic to invalid ports of ClusterIPs', toClusterIP, reject)];
  if (config.serviceCIDRs.length > 0) {
    const toRange: Statement = { kind: 'match', field: fields.destination, op: '==', values: config.serviceCIDRs };
    rules.push(commented('Drop traffic to unallocated ClusterIPs', toRange, drop));
  }
  return rules;
}

interface TwoStage {
  readonly key: readonly Field[];
  readonly cluster: string;
  readonly local: string;
}

function policyClusterRules(config: ProxyConfig, { key, cluster }: TwoStage): Rule[] {
  return [commented('masquerade', markMasquerade(config)), rule({ kind: 'vmap', key, map: cluster })];
}

function policyLocalRules(config: ProxyConfig, fields: Fields, { key, cluster, local }: TwoStage): Rule[] {
  const toCluster: Statement = { kind: 'vmap', key, map: cluster };
  const fromNode: Statement = { kind: 'match', field: 'fib saddr type', op: '==', values: ['local'] };
  const { localDetector } = config;
  return [
    ...(localDetector
      ? [commented('short-circuit pod traffic', fromPods(localDetector, fields.source, '=='), toCluster)]
      : []),
    commented('masquerade local traffic', fromNode, markMasquerade(config)),
    commented('short-circuit local traffic', fromNode, toCluster),
    rule({ kind: 'vmap', key, map: local }),
  ];
}

function serviceChains(config: ProxyConfig, fields: Fields): Chain[] {
  const external = { key: fields.service, cluster: sets.externalCluster, local: sets.externalLocal };
  const nodePort = { key: fields.nodePort, cluster: sets.nodePortCluster, local: sets.nodePortLocal };
  const toNodePort = toNodePortAddress(config, fields);
  const mark = masqueradeMark(config);
  return [
    chain('services', [
      ...masqueradeClusterIPs(config, fields),
      rule({ kind: 'vmap', key: fields.service, map: sets.services }),
      rule(...toNodePort, { kind: 'vmap', key: fields.nodePort, map: sets.nodePorts }),
    ]),
    chain(targets.external, policyClusterRules(config, external)),
    chain(targets.externalLocal, policyLocalRules(config, fields, external)),
    chain(targets.nodePort, policyClusterRules(config, nodePort)),
    chain(targets.nodePortLocal, policyLocalRules(config, fields, nodePort)),
    chain('masquerading', [
      rule({ kind: 'match-mark', bits: mark }, { kind: 'mark', op: '^', bits: mark }, { kind: 'masquerade' }),
      rule(
        { kind: 'match', field: 'ct status', op: '==', values: ['dnat'] },
        {
          kind: 'lookup',
          key: [fields.source, fields.destination, ...fields.nodePort],
          op: '==',
          set: sets.hairpin,
        },
        { kind: 'masquerade' },
      ),
    ]),
  ];
}

function checkChains(config: ProxyConfig, fields: Fields): Chain[] {
  return [
    chain('cluster-ips-check', clusterIPsCheck(config, fields)),
    chain('service-endpoints-check', [rule({ kind: 'vmap', key: fields.service, map: sets.noEndpointServices })]),
    chain('nodeport-endpoints-check', [
      rule(...toNodePortAddress(config, fields), { kind: 'vmap', key: fields.nodePort, map: sets.noEndpointNodePorts }),
    ]),
    chain('firewall-check', [
      rule(
        { kind: 'lookup', key: fields.service, op: '==', set: sets.firewalled },
        { kind: 'lookup', key: [...fields.service, fields.source], op: '!=', set: sets.firewallSources },
        drop,
      ),
    ]),
    {
      ...chain(targets.reject, [rule(reject)]),
      comment: 'helper for @no-endpoint-services / @no-endpoint-nodeports',
    },
  ];
}

/** The chains that are there whatever Services there are. */
export function constantChains(config: ProxyConfig): Chain[] {
  const fields = fieldsOf(nftFamily(config));
  return [...baseChains(config, fields), ...serviceChains(config, fields), ...checkChains(config, fields)];
}

/** The sets and maps that are there whatever Services there are; Services only add elements. */
export function constantSets(config: ProxyConfig): SetDeclaration[] {
  const address = config.family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const service = `${address} . inet_proto . inet_service`;
  const nodePort = 'inet_proto . inet_service';
  const set = (name: string, type: string, comment: string): SetDeclaration => ({
    kind: 'set',
    name,
    type: `type ${type}`,
    comment,
  });
  const map = (name: string, key: string, comment: string): SetDeclaration => ({
    kind: 'map',
    name,
    type: `type ${key} : verdict`,
    comment,
  });
  return [
    set(sets.clusterIPs, address, 'Active ClusterIPs'),
    ...(config.nodePortAddresses === 'all' ? [] : [set(sets.nodePortIPs, address, 'IPs that accept NodePort traffic')]),
    map(sets.services, service, 'ClusterIP, ExternalIP and LoadBalancer IP traffic'),
    map(sets.externalCluster, service, 'external traffic to the endpoints of the cluster'),
    map(sets.externalLocal, service, 'external traffic to the endpoints of this node'),
    map(sets.nodePorts, nodePort, 'NodePort traffic'),
    map(sets.nodePortCluster, nodePort, 'NodePort traffic to the endpoints of the cluster'),
    map(sets.nodePortLocal, nodePort, 'NodePort traffic to the endpoints of this node'),
    map(sets.noEndpointServices, service, 'vmap to drop or reject packets to services with no endpoints'),
    map(sets.noEndpointNodePorts, nodePort, 'vmap to drop or reject packets to service nodeports with no endpoints'),
    set(sets.firewalled, service, 'destinations that are subject to LoadBalancerSourceRanges'),
    {
      ...set(sets.firewallSources, `${service} . ${address}`, 'destinations and the sources they accept'),
      flags: ['interval'],
    },
    set(sets.hairpin, `${address} . ${address} . inet_proto . inet_service`, 'service hairpin connections'),
  ];
}

/** Elements that the configuration gives, by set. */
export function constantElements(config: ProxyConfig): ReadonlyMap<string, ReadonlyMap<string, string>> {
  if (config.nodePortAddresses === 'all') return new Map();
  return new Map([[sets.nodePortIPs, new Map(config.nodePortAddresses.map((address) => [address, '']))]]);
}
