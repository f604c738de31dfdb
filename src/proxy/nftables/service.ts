// What one port of a Service adds to the shared table.
import type { Chain, SetDeclaration } from '../../nftables/ruleset.ts';
import { contains } from '../address.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Route, ServicePortPlan } from '../plan.ts';
import type { ServicePort } from '../service-port.ts';
import { affinityChain, affinityObjects } from './affinity.ts';
import { sets, targets } from './base.ts';
import { groupMap, type LoadBalancingScope, loadBalancingChain, localOffset, maxEndpoints } from './load-balancing.ts';
import { assignSlots } from './slots.ts';

/** An element that a port of a Service wants. Two ports may want the same one. */
export interface Claim {
  readonly set: string;
  readonly key: string;
  readonly value: string;
  readonly owner: string;
}

/** The numbers of the endpoints, each written as `address . port`. */
export interface Slots {
  readonly cluster: readonly string[];
  readonly local: readonly string[];
}

export const noSlots: Slots = { cluster: [], local: [] };

export interface Contribution {
  readonly claims: readonly Claim[];
  /** Chains and sets of this port alone. */
  readonly chains: readonly Chain[];
  readonly sets: readonly SetDeclaration[];
  /** Load balancing groups it uses, by the names of their maps. */
  readonly groups: readonly string[];
  readonly slots: Slots;
}

const none: readonly never[] = [];
const notSticky = { chains: none, sets: none };

function slotTexts(endpoints: readonly Endpoint[]): readonly string[] {
  if (endpoints.length === 0) return none;
  return endpoints.slice(0, maxEndpoints).map(({ ip, port }) => `${ip} . ${port}`);
}

/** Collects the elements of one port. */
class Claims {
  readonly all: Claim[] = [];
  /** Few, so that looking through them is cheap. */
  readonly groups: string[] = [];
  readonly #owner: string;
  readonly #servicePort: ServicePort;
  readonly #slots: Slots;

  constructor(owner: string, servicePort: ServicePort, slots: Slots) {
    this.#owner = owner;
    this.#servicePort = servicePort;
    this.#slots = slots;
  }

  add(set: string, key: string, value = ''): void {
    this.all.push({ set, key, value, owner: this.#owner });
  }

  /** The chain that balances over the endpoints of the policy for this key, with the elements it needs; undefined without endpoints. */
  balance(scope: LoadBalancingScope, policy: 'cluster' | 'local', key: string): string | undefined {
    const slots = this.#slots[policy];
    if (slots.length === 0) return undefined;
    if (this.#servicePort.affinitySeconds !== undefined) return `goto ${affinityChain(this.#servicePort, policy)}`;
    const map = groupMap(scope, slots.length);
    if (!this.groups.includes(map)) this.groups.push(map);
    const offset = policy === 'local' ? localOffset : 0;
    for (let i = 0; i < slots.length; i += 1) this.add(map, `${key} . ${offset + i}`, slots[i]!);
    return `goto ${loadBalancingChain(scope, policy, slots.length)}`;
  }
}

/** The names that external addresses, or node ports, go by. */
interface ExternalNames {
  readonly scope: LoadBalancingScope;
  readonly entry: string;
  readonly cluster: string;
  readonly local: string;
  readonly noEndpoints: string;
  readonly toCluster: string;
  readonly toLocal: string;
}

const externalNames: ExternalNames = {
  scope: 'service',
  entry: sets.services,
  cluster: sets.externalCluster,
  local: sets.externalLocal,
  noEndpoints: sets.noEndpointServices,
  toCluster: targets.external,
  toLocal: targets.externalLocal,
};

const nodePortNames: ExternalNames = {
  scope: 'nodeport',
  entry: sets.nodePorts,
  cluster: sets.nodePortCluster,
  local: sets.nodePortLocal,
  noEndpoints: sets.noEndpointNodePorts,
  toCluster: targets.nodePort,
  toLocal: targets.nodePortLocal,
};

function refusal(route: Route): string | undefined {
  return route === 'reject' ? `goto ${targets.reject}` : route === 'drop' ? 'drop' : undefined;
}

function claimClusterIP(plan: ServicePortPlan, claims: Claims): void {
  const { clusterIP, protocol, port } = plan.servicePort;
  claims.add(sets.clusterIPs, clusterIP);
  const key = `${clusterIP} . ${protocol} . ${port}`;
  const refused = refusal(plan.internal);
  if (refused) claims.add(sets.noEndpointServices, key, refused);
  else claims.add(sets.services, key, claims.balance('service', plan.internal as 'cluster' | 'local', key)!);
}

function claimExternal(plan: ServicePortPlan, claims: Claims, key: string, names: ExternalNames): void {
  const refused = refusal(plan.external!);
  if (refused) claims.add(names.noEndpoints, key, refused);
  if (!plan.hasAnyEndpoints) return;
  const local = plan.servicePort.externalPolicyLocal;
  claims.add(names.entry, key, `goto ${local ? names.toLocal : names.toCluster}`);
  const cluster = claims.balance(names.scope, 'cluster', key);
  if (cluster) claims.add(names.cluster, key, cluster);
  const own = local ? claims.balance(names.scope, 'local', key) : undefined;
  if (own) claims.add(names.local, key, own);
}

/** Between the sources in the value of a firewalled address. */
export const sourceSeparator = ', ';

/** Prefixes without those that another one holds: nftables refuses elements that overlap. */
function withoutNested(ranges: readonly string[]): string[] {
  const different = [...new Set(ranges)];
  return different.filter((range) => !different.some((other) => other !== range && contains(other, range)));
}

/** A prefix as nft prints it: a single address without its length. */
function sourceText(range: string): string {
  return range.replace(/^([\d.]+)\/32$|^([\da-f:]+)\/128$/, '$1$2');
}

/**
 * The sources are the value of the address they may reach, so that of two Services with one address and port only one
 * has its ranges in force: those of both might overlap. The state spreads them into elements.
 */
function claimFirewall({ servicePort, firewall }: ServicePortPlan, claims: Claims): void {
  if (!firewall) return;
  for (const ip of servicePort.loadBalancerIPs) {
    const key = `${ip} . ${servicePort.protocol} . ${servicePort.port}`;
    const own = firewall.nodeAllowed ? [`${ip}/${servicePort.family === 'IPv4' ? 32 : 128}`] : [];
    const sources = withoutNested([...firewall.sourceRanges, ...own]).map(sourceText);
    claims.add(sets.firewalled, key, sources.join(sourceSeparator));
  }
}

function claimHairpin({ servicePort, reachable }: ServicePortPlan, claims: Claims): void {
  for (const { local, ip, port } of reachable) {
    if (local) claims.add(sets.hairpin, `${ip} . ${ip} . ${servicePort.protocol} . ${port}`);
  }
}

/** Everything the table holds for this port, which `owner` names; `previous` are the numbers its endpoints had. */
export function contributionOf(owner: string, plan: ServicePortPlan, previous: Slots): Contribution {
  const { servicePort } = plan;
  const slots: Slots = {
    cluster: assignSlots(previous.cluster, slotTexts(plan.clusterEndpoints)),
    local: assignSlots(previous.local, slotTexts(plan.localEndpoints)),
  };
  const claims = new Claims(owner, servicePort, slots);
  claimClusterIP(plan, claims);
  if (plan.external) {
    for (const ip of [...servicePort.externalIPs, ...servicePort.loadBalancerIPs]) {
      claimExternal(plan, claims, `${ip} . ${servicePort.protocol} . ${servicePort.port}`, externalNames);
    }
    const { nodePort } = servicePort;
    if (nodePort !== undefined) claimExternal(plan, claims, `${servicePort.protocol} . ${nodePort}`, nodePortNames);
  }
  claimFirewall(plan, claims);
  claimHairpin(plan, claims);
  const sticky = servicePort.affinitySeconds === undefined ? notSticky : affinityObjects(plan);
  // Copies, since what was pushed to keeps room for more, and there are many ports.
  const { chains, sets: own } = sticky;
  return { claims: claims.all.slice(), chains, sets: own, groups: claims.groups.slice(), slots };
}
