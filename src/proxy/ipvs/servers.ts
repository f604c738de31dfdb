// The virtual servers of one port, and what it puts into the sets (service-semantics 6).
import { table } from '../../apimachinery/table.ts';
import type { RealServer, VirtualServer } from '../../ipvs/ruleset.ts';
import type { ProxyConfig } from '../config.ts';
import type { Endpoint } from '../endpoint.ts';
import type { ServicePortPlan } from '../plan.ts';
import type { SetMembers, SetName } from './sets.ts';

/** The settings of a family, and what they are applied to. */
export interface IpvsConfig extends ProxyConfig {
  /** Addresses of the node's interfaces but for loopback, link-local ones, and those that this mode added. */
  readonly localAddresses: readonly string[];
}

/** Where nobody knows those of the interfaces, the addresses of the Node object are taken for them. */
export function ipvsConfigOf(
  config: ProxyConfig,
  localAddresses: readonly string[] = config.interfaceAddresses ?? config.node.addresses,
): IpvsConfig {
  return { ...config, localAddresses };
}

/** Unlike the other modes, policy Local falls back to the endpoints of the cluster where this node has none. */
function realServers(plan: ServicePortPlan, local: boolean): RealServer[] {
  const own: readonly Endpoint[] =
    local && plan.localEndpoints.length > 0 ? plan.localEndpoints : plan.clusterEndpoints;
  return own.map(({ ip, port }) => ({ address: ip, port, weight: 1 }));
}

/** One source address goes to real servers by its port, too, as kube-proxy has it. */
const schedulerFlags = table<string>({ mh: 'mh-port' });

function server(
  plan: ServicePortPlan,
  config: ProxyConfig,
  where: { address: string; port: number; local: boolean },
): VirtualServer {
  const { protocol, affinitySeconds } = plan.servicePort;
  const { address, port, local } = where;
  const scheduler = config.ipvsScheduler;
  const flags = schedulerFlags[scheduler];
  return {
    protocol,
    address,
    port,
    scheduler,
    ...(flags && { schedulerFlags: flags }),
    persistentSeconds: affinitySeconds,
    realServers: realServers(plan, local),
  };
}

/** The node's addresses that take node ports. */
function nodePortAddresses(config: IpvsConfig): readonly string[] {
  return config.nodePortAddresses === 'all' ? config.localAddresses : config.nodePortAddresses;
}

export function virtualServers(plan: ServicePortPlan, config: IpvsConfig): VirtualServer[] {
  const { clusterIP, port, nodePort, externalIPs, loadBalancerIPs } = plan.servicePort;
  const { internalPolicyLocal, externalPolicyLocal } = plan.servicePort;
  const outside = [...externalIPs, ...loadBalancerIPs].map((address) => ({ address, port }));
  if (nodePort !== undefined) {
    for (const address of nodePortAddresses(config)) outside.push({ address, port: nodePort });
  }
  return [
    server(plan, config, { address: clusterIP, port, local: internalPolicyLocal }),
    ...outside.map((where) => server(plan, config, { ...where, local: externalPolicyLocal })),
  ];
}

function addNodePort({ servicePort }: ServicePortPlan, config: IpvsConfig, members: SetMembers): void {
  const { protocol, nodePort, externalPolicyLocal } = servicePort;
  if (nodePort === undefined) return;
  const names: Readonly<Record<typeof protocol, readonly [SetName, SetName]>> = {
    tcp: ['NODE-PORT-TCP', 'NODE-PORT-LOCAL-TCP'],
    udp: ['NODE-PORT-UDP', 'NODE-PORT-LOCAL-UDP'],
    sctp: ['NODE-PORT-SCTP-HASH', 'NODE-PORT-LOCAL-SCTP-HASH'],
  };
  const ports = protocol === 'sctp' ? nodePortAddresses(config).map((ip) => `${ip},sctp:${nodePort}`) : [nodePort];
  for (const port of ports) {
    members.add(names[protocol][0], port);
    if (externalPolicyLocal) members.add(names[protocol][1], port);
  }
}

/** What the node must take packets for, and does not yet by an address of an interface. */
export function carriedAddresses({ servicePort }: ServicePortPlan, { localAddresses }: IpvsConfig): string[] {
  const { clusterIP, externalIPs, loadBalancerIPs } = servicePort;
  return [clusterIP, ...[...externalIPs, ...loadBalancerIPs].filter((ip) => !localAddresses.includes(ip))];
}

/** Puts into the sets what the rules must know of this port. */
export function addMembers(plan: ServicePortPlan, config: IpvsConfig, members: SetMembers): void {
  const { servicePort, firewall } = plan;
  const { protocol, port, clusterIP, externalPolicyLocal } = servicePort;
  // Endpoints that get no new traffic may still hold connections to themselves.
  for (const endpoint of plan.endpoints) {
    if (endpoint.local) members.add('LOOP-BACK', `${endpoint.ip},${protocol}:${endpoint.port},${endpoint.ip}`);
  }
  members.add('CLUSTER-IP', `${clusterIP},${protocol}:${port}`);
  for (const ip of carriedAddresses(plan, config)) members.add('IPVS-IPS', ip);
  for (const ip of servicePort.externalIPs) {
    members.add(externalPolicyLocal ? 'EXTERNAL-IP-LOCAL' : 'EXTERNAL-IP', `${ip},${protocol}:${port}`);
  }
  for (const ip of servicePort.loadBalancerIPs) {
    const entry = `${ip},${protocol}:${port}`;
    members.add('LOAD-BALANCER', entry);
    if (externalPolicyLocal) members.add('LOAD-BALANCER-LOCAL', entry);
    if (!firewall) continue;
    members.add('LOAD-BALANCER-FW', entry);
    for (const range of firewall.sourceRanges) {
      // ipset prints single addresses without their length.
      members.add('LOAD-BALANCER-SOURCE-CIDR', `${entry},${range.replace(/\/(?:32|128)$/, '')}`);
    }
    if (firewall.nodeAllowed) members.add('LOAD-BALANCER-SOURCE-IP', `${entry},${ip}`);
  }
  addNodePort(plan, config, members);
  if (servicePort.healthCheckNodePort !== undefined) {
    members.add('HEALTH-CHECK-NODE-PORT', servicePort.healthCheckNodePort);
  }
}
