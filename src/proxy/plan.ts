// All traffic policy, decided once; the renderers of the three modes only write it down (service-semantics 3.2, 3.3).
import { contains } from './address.ts';
import type { Endpoint } from './endpoint.ts';
import type { ServicePort } from './service-port.ts';

/** The node whose rules are made. */
export interface ProxyNode {
  readonly name: string;
  /** Label `topology.kubernetes.io/zone`. */
  readonly zone: string | undefined;
  /** The node's InternalIPs of the family (its ExternalIPs when it has none), the primary one first. */
  readonly addresses: readonly string[];
  /** The prefixes of the family that its pods have addresses from; absent before any is assigned. */
  readonly podCIDRs?: readonly string[];
}

/** Where traffic goes: to a set of endpoints, or nowhere. */
export type Route = 'cluster' | 'local' | 'reject' | 'drop';

export interface ServicePortPlan {
  readonly servicePort: ServicePort;
  /** All that the slices list, whatever their state. */
  readonly endpoints: readonly Endpoint[];
  /** For traffic under policy Cluster: of the whole cluster, after topology hints. Empty when no traffic uses them. */
  readonly clusterEndpoints: readonly Endpoint[];
  /** For traffic under policy Local: those of this node. Empty when no traffic uses them. */
  readonly localEndpoints: readonly Endpoint[];
  /** Both of the above, each endpoint once, in their order. */
  readonly reachable: readonly Endpoint[];
  /** Whether any node could answer. If not, traffic is refused, and external addresses lead nowhere. */
  readonly hasAnyEndpoints: boolean;
  /** Traffic to the cluster IP. */
  readonly internal: Route;
  /**
   * Traffic to external IPs, load balancer IPs and node ports; undefined when there are none. Under `local` and under
   * `drop`, traffic from this node and its pods goes to the cluster endpoints all the same.
   */
  readonly external: Route | undefined;
  /** Who may use the load balancer IPs; undefined when everyone may. */
  readonly firewall: Firewall | undefined;
}

export interface Firewall {
  readonly sourceRanges: readonly string[];
  /** The node is within the ranges, so that the node itself may come with the load balancer's address as its source. */
  readonly nodeAllowed: boolean;
}

const usable = (endpoint: Endpoint): boolean => endpoint.ready || (endpoint.serving && endpoint.terminating);

/** The endpoints to prefer, or, when none is ready, those that still serve while they terminate (KEP-1669). */
function readyOrTerminating(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  // Mostly all are, and then it is the same list: there are many.
  if (endpoints.every((endpoint) => endpoint.ready)) return endpoints;
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? ready : endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
}

/** Keeps those ready endpoints that their hints give to this node, or to its zone, if all have such hints and one is ours. */
function byTopology(endpoints: readonly Endpoint[], node: ProxyNode): readonly Endpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  for (const [place, hintsOf] of [
    [node.name, (endpoint: Endpoint) => endpoint.nodeHints],
    [node.zone, (endpoint: Endpoint) => endpoint.zoneHints],
  ] as const) {
    if (!place || ready.length === 0 || ready.some((endpoint) => hintsOf(endpoint).length === 0)) continue;
    const ours = ready.filter((endpoint) => hintsOf(endpoint).includes(place));
    if (ours.length > 0) return ours;
  }
  return endpoints;
}

export function isExternallyReachable(servicePort: ServicePort): boolean {
  const { nodePort, loadBalancerIPs, externalIPs } = servicePort;
  return nodePort !== undefined || loadBalancerIPs.length > 0 || externalIPs.length > 0;
}

function routeOf(
  local: boolean,
  sets: { cluster: readonly Endpoint[]; local: readonly Endpoint[]; any: boolean },
): Route {
  if (!sets.any) return 'reject';
  if (local) return sets.local.length > 0 ? 'local' : 'drop';
  return sets.cluster.length > 0 ? 'cluster' : 'reject';
}

function unionOf(cluster: readonly Endpoint[], local: readonly Endpoint[]): readonly Endpoint[] {
  if (local.length === 0) return cluster;
  if (cluster.length === 0) return local;
  return [...cluster, ...local.filter((endpoint) => !cluster.includes(endpoint))];
}

function firewallOf({ sourceRanges }: ServicePort, node: ProxyNode): Firewall | undefined {
  if (sourceRanges.length === 0) return undefined;
  const [primary] = node.addresses;
  return { sourceRanges, nodeAllowed: primary !== undefined && sourceRanges.some((range) => contains(range, primary)) };
}

/** Decides for one port of a Service where each kind of traffic goes. `endpoints` are all of the port, sorted. */
export function planServicePort(
  servicePort: ServicePort,
  endpoints: readonly Endpoint[],
  node: ProxyNode,
): ServicePortPlan {
  const { internalPolicyLocal, externalPolicyLocal } = servicePort;
  const outside = isExternallyReachable(servicePort);
  const usesCluster = !internalPolicyLocal || outside;
  const usesLocal = internalPolicyLocal || (externalPolicyLocal && outside);
  const cluster = usesCluster ? readyOrTerminating(byTopology(endpoints, node)) : [];
  const local = usesLocal ? readyOrTerminating(endpoints.filter((endpoint) => endpoint.local)) : [];
  const sets = { cluster, local, any: endpoints.some(usable) };
  return {
    servicePort,
    endpoints,
    clusterEndpoints: cluster,
    localEndpoints: local,
    reachable: unionOf(cluster, local),
    hasAnyEndpoints: sets.any,
    internal: routeOf(internalPolicyLocal, sets),
    external: outside ? routeOf(externalPolicyLocal, sets) : undefined,
    firewall: servicePort.loadBalancerIPs.length > 0 ? firewallOf(servicePort, node) : undefined,
  };
}

/** The distinct addresses on this node that are ready: what the health check node port counts. */
export function localReadyAddresses(endpoints: readonly Endpoint[]): ReadonlySet<string> {
  return new Set(endpoints.filter((endpoint) => endpoint.local && endpoint.ready).map((endpoint) => endpoint.ip));
}
