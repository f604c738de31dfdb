// Which UDP flows the kernel still sends to endpoints that are gone. A flow keeps its translation as long as packets
// come, so a client that keeps asking would never reach another endpoint (service-semantics 3.4). TCP is left alone: it ends
// by itself.

import { joinHostPort } from '../../net/ip.ts';
import { endpointText } from '../endpoint.ts';
import type { ServicePortPlan } from '../plan.ts';

/** One UDP flow as `conntrack -L` prints it. */
export interface Flow {
  readonly destination: string;
  readonly destinationPort: number;
  readonly replySource: string;
  readonly replySourcePort: number;
}

/** The flows in the output of `conntrack -L -p udp`. */
export function parseFlows(text: string): Flow[] {
  const flows: Flow[] = [];
  for (const line of text.split('\n')) {
    const sources = [...line.matchAll(/\bsrc=(\S+)/g)];
    const destinations = [...line.matchAll(/\bdst=(\S+)/g)];
    const sourcePorts = [...line.matchAll(/\bsport=(\d+)/g)];
    const destinationPorts = [...line.matchAll(/\bdport=(\d+)/g)];
    if (sources.length < 2 || sourcePorts.length < 2 || !destinations[0] || !destinationPorts[0]) continue;
    flows.push({
      destination: destinations[0][1]!,
      destinationPort: Number(destinationPorts[0][1]),
      replySource: sources[1]![1]!,
      replySourcePort: Number(sourcePorts[1]![1]),
    });
  }
  return flows;
}

/** What flows to one port of a Service may be answered by. */
export interface UdpPort {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly nodePort: number | undefined;
  /**
   * Serving endpoints as `ip:port`, wherever they are: policies, hints and termination decide for new flows only, as they do
   * for TCP.
   */
  readonly serving: readonly string[];
}

/** The view of a plan that conntrack needs; undefined for other protocols. */
export function udpPortOf(plan: ServicePortPlan): UdpPort | undefined {
  const { servicePort } = plan;
  if (servicePort.protocol !== 'udp') return undefined;
  return {
    addresses: [servicePort.clusterIP, ...servicePort.externalIPs, ...servicePort.loadBalancerIPs],
    port: servicePort.port,
    nodePort: servicePort.nodePort,
    serving: plan.endpoints.filter((endpoint) => endpoint.serving).map(endpointText),
  };
}

export interface UdpPorts {
  /** Those there are. */
  readonly ports: Iterable<UdpPort>;
  /** Those that are gone, or as they were before they lost addresses. */
  readonly gone: readonly UdpPort[];
  /** Addresses of the node's interfaces: only there does a flow that nobody translated count as one to a node port. */
  readonly nodeAddresses: readonly string[];
}

/** Which port an address belongs to; null for an address that had a port once, undefined when none of ours ever had it. */
class Owners {
  readonly #byAddress = new Map<string, UdpPort | null>();
  readonly #byNodePort = new Map<number, UdpPort | null>();
  readonly #nodeAddresses: ReadonlySet<string>;

  constructor({ ports, gone, nodeAddresses }: UdpPorts) {
    this.#nodeAddresses = new Set(nodeAddresses);
    for (const udpPort of gone) this.#add(udpPort, null);
    for (const udpPort of ports) this.#add(udpPort, udpPort);
  }

  of(flow: Flow): UdpPort | null | undefined {
    const owner = this.#byAddress.get(joinHostPort(flow.destination, flow.destinationPort));
    if (owner !== undefined) return owner;
    const translated = flow.replySource !== flow.destination;
    if (!translated && !this.#nodeAddresses.has(flow.destination)) return undefined;
    return this.#byNodePort.get(flow.destinationPort);
  }

  #add({ addresses, port, nodePort }: UdpPort, owner: UdpPort | null): void {
    for (const address of addresses) this.#byAddress.set(joinHostPort(address, port), owner);
    if (nodePort !== undefined) this.#byNodePort.set(nodePort, owner);
  }
}

/**
 * The flows to end. Those to a Service without serving endpoints end, too: as long as they are translated, the rules that
 * refuse their packets never see them (kubernetes/kubernetes#139628).
 */
export function staleFlows(flows: readonly Flow[], udpPorts: UdpPorts): Flow[] {
  const owners = new Owners(udpPorts);
  return flows.filter((flow) => {
    const owner = owners.of(flow);
    if (owner === undefined) return false;
    return !owner?.serving.includes(joinHostPort(flow.replySource, flow.replySourcePort));
  });
}
