// The Service port that a packet is for, and who of its endpoints may get it.

import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { AddressPort, Protocol } from '../../netfilter/packet.ts';
import { canonicalIP, contains } from '../../proxy/address.ts';
import { type Endpoint, endpointText } from '../../proxy/endpoint.ts';
import type { ServicePortPlan } from '../../proxy/plan.ts';
import type { Candidate, Door, ServiceStep } from './trace.ts';
import { nodeOfAddress, podAt, type World } from './world.ts';

export interface Match {
  readonly plan: ServicePortPlan;
  readonly door: Door;
  /** The packet is under an external policy of Local, so only this node's endpoints count. */
  readonly isLocalOnly: boolean;
  /** Other Services of the same address and port. */
  readonly rivals: readonly string[];
}

interface Asked {
  readonly destination: AddressPort;
  readonly protocol: Protocol;
  /** Whether the node that decides answers there for node ports. */
  readonly isForNodePorts: boolean;
  /** The proxy knows that the packet comes from a pod or the node itself: external policies do not hold it back. */
  readonly isInside: boolean;
  /** Where rules sent it, as `address:port`. */
  readonly reached: ReadonlySet<string>;
  readonly isDropped: boolean;
  readonly source: string;
  /** Of several Services with one address the first decides, whether anybody serves it or not (ipvs). */
  readonly firstDecides: boolean;
}

/** The port that the destination is a door of; undefined when it is none. Of several, the one that decided. */
export function matchService(plans: readonly ServicePortPlan[], asked: Asked): Match | undefined {
  const claims = plans.flatMap((plan) => {
    const door = doorOf(plan, asked);
    return door === undefined ? [] : [{ plan, door }];
  });
  const reached = ({ endpoints }: ServicePortPlan) =>
    endpoints.filter((one) => asked.reached.has(endpointText(one))).length;
  const [likely] = claims.toSorted((a, b) => reached(b.plan) - reached(a.plan));
  const isReached = likely !== undefined && reached(likely.plan) > 0;
  const claim = isReached
    ? likely
    : (claims.find((one) => asked.isDropped && isWalledOff(one, asked.source)) ??
      claims.find(({ plan }) => plan.hasAnyEndpoints && !asked.firstDecides) ??
      claims[0]);
  if (!claim) return undefined;
  const { internalPolicyLocal, externalPolicyLocal } = claim.plan.servicePort;
  const isLocalOnly = claim.door === 'cluster IP' ? internalPolicyLocal : externalPolicyLocal && !asked.isInside;
  const rivals = claims.filter((one) => one !== claim).map(({ plan }) => keyOf(plan));
  return { ...claim, isLocalOnly, rivals };
}

const keyOf = ({ servicePort: { namespace, serviceName } }: ServicePortPlan): string => `${namespace}/${serviceName}`;

/** By its source ranges, which are for its load balancer's addresses alone. */
export function isWalledOff({ plan, door }: Pick<Match, 'plan' | 'door'>, source: string): boolean {
  const ranges = plan.firewall?.sourceRanges;
  return door === 'load balancer IP' && ranges !== undefined && !ranges.some((range) => contains(range, source));
}

function doorOf({ servicePort }: ServicePortPlan, { destination, protocol, isForNodePorts }: Asked): Door | undefined {
  const { address, port } = destination;
  if (servicePort.protocol !== protocol) return undefined;
  if (servicePort.nodePort === port && isForNodePorts) return 'node port';
  if (servicePort.port !== port) return undefined;
  if (servicePort.clusterIP === address) return 'cluster IP';
  if (servicePort.externalIPs.includes(address)) return 'external IP';
  return servicePort.loadBalancerIPs.includes(address) ? 'load balancer IP' : undefined;
}

/** Of an address that a Service has, and that nodes do not answer for (KEP-1860). */
export function leftToBalancer(world: World, address: string): string | undefined {
  const key = world.doors.byAddress.get(address)?.find((one) => {
    const ingress = world.services.get(one)?.status?.loadBalancer?.ingress ?? [];
    return ingress.some(({ ip, ipMode }) => ipMode === 'Proxy' && ip !== undefined && canonicalIP(ip) === address);
  });
  return key && `Service ${key} has the address with ipMode: Proxy, so nodes leave it to the load balancer`;
}

/** Who may answer, as the plan says; `shares` are the chances that the rules give, by `address:port`. */
export function serviceStep(world: World, match: Match, shares: ReadonlyMap<string, number>): ServiceStep {
  const { plan, door, isLocalOnly, rivals } = match;
  const { servicePort } = plan;
  const service = keyOf(plan);
  const chosen = isLocalOnly ? plan.localEndpoints : plan.clusterEndpoints;
  const policy = door === 'cluster IP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  const isLocal = door === 'cluster IP' ? servicePort.internalPolicyLocal : servicePort.externalPolicyLocal;
  return {
    service,
    resourceVersion: world.services.get(service)?.metadata.resourceVersion,
    port: servicePort.port,
    portName: servicePort.portName,
    protocol: servicePort.protocol,
    door,
    ...(rivals.length > 0 && { rivals }),
    policy: `spec.${policy}: ${isLocal ? 'Local' : 'Cluster'}${isLocal && !isLocalOnly ? ' (not for traffic from inside the cluster)' : ''}`,
    ...(servicePort.affinitySeconds !== undefined && { affinity: affinityText(servicePort.affinitySeconds) }),
    candidates: plan.endpoints.map((endpoint) =>
      candidateOf(world, endpoint, { service, chosen, isLocalOnly, shares }),
    ),
  };
}

function affinityText(seconds: number): string {
  return `spec.sessionAffinity: ClientIP (a client that comes again within ${seconds} s is kept by one endpoint; shares are of new clients)`;
}

interface Choice {
  /** `namespace/name`. */
  readonly service: string;
  readonly chosen: readonly Endpoint[];
  readonly isLocalOnly: boolean;
  readonly shares: ReadonlyMap<string, number>;
}

function candidateOf(world: World, endpoint: Endpoint, { service, chosen, isLocalOnly, shares }: Choice): Candidate {
  const text = endpointText(endpoint);
  const share = shares.get(text) ?? 0;
  // In ipvs mode endpoints get traffic that the policy does not give them.
  const isCandidate = share > 0 || chosen.some((one) => endpointText(one) === text);
  return {
    endpoint: text,
    target: targetOf(world, service, endpoint.ip),
    node: nodeOfAddress(world, endpoint.ip)?.metadata.name,
    isCandidate,
    why: isCandidate ? whyThough(endpoint) : whyNot(endpoint, isLocalOnly, chosen),
    share,
  };
}

/** A pod on its node's own network is known by what the slice says of it: the node has the address. */
function targetOf(world: World, service: string, ip: string): string {
  const pod = podAt(world, ip);
  if (pod) return `pod ${pod.metadata.namespace}/${pod.metadata.name}`;
  const slices = (world.doors.objectsOf.get(service) ?? []) as Partial<EndpointSlice>[];
  const listed = slices.flatMap(({ endpoints }) => endpoints ?? []).find(({ addresses }) => addresses[0] === ip);
  const { kind, namespace, name } = listed?.targetRef ?? {};
  return kind === 'Pod' ? `pod ${namespace}/${name}` : ip;
}

/** Of one that gets traffic and would get none by itself; empty for others. */
function whyThough({ ready, serving }: Endpoint): string {
  if (!ready) return 'terminating, but nobody is ready';
  return serving ? '' : 'not ready, but spec.publishNotReadyAddresses takes it for ready';
}

function whyNot(endpoint: Endpoint, isLocalOnly: boolean, chosen: readonly Endpoint[]): string {
  if (endpoint.terminating && !endpoint.serving) return 'terminating and no longer ready';
  if (!endpoint.ready && !endpoint.terminating) return 'not ready';
  if (isLocalOnly && !endpoint.local) return 'on another node, and the policy is Local';
  if (endpoint.terminating) return 'terminating, and others are ready';
  if (chosen.length === 0) return 'no endpoint is in use';
  if (endpoint.nodeHints.length > 0) return `hints give it to ${endpoint.nodeHints.join(', ')}`;
  if (endpoint.zoneHints.length > 0) return `hints give it to zone ${endpoint.zoneHints.join(', ')}`;
  return 'not chosen';
}
