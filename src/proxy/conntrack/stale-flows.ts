// Which UDP flows the kernel still sends to endpoints that are gone. A flow keeps its translation as long as packets
// come, so a client that keeps asking would never reach another endpoint (service-semantics 3.4). TCP is left alone: it ends
// by itself.

import { hostPort } from '../address.ts';
import { type Endpoint, endpointText } from '../endpoint.ts';
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
  /** Serving endpoints as `ip:port`. */
  readonly serving: readonly string[];
}

/** The view of a plan that conntrack needs; undefined for other protocols. */
export function udpPortOf(plan: ServicePortPlan): UdpPort | undefined {
  const { servicePort } = plan;
  if (servicePort.protocol !== 'udp') return undefined;
  const serves = (endpoint: Endpoint): boolean => endpoint.ready || endpoint.serving;
  return {
    addresses: [servicePort.clusterIP, ...servicePort.externalIPs, ...servicePort.loadBalancerIPs],
    port: servicePort.port,
    nodePort: servicePort.nodePort,
    serving: plan.reachable.filter(serves).map(endpointText),
  };
}

/**
 * The flows to end. Those to a Service without serving endpoints stay: there is nobody else to answer, and they are
 * looked at again when somebody comes. `gone` are ports that no longer exist.
 */
export function staleFlows(flows: readonly Flow[], ports: Iterable<UdpPort>, gone: readonly UdpPort[]): Flow[] {
  const byAddress = new Map<string, UdpPort>();
  const byNodePort = new Map<number, UdpPort>();
  const add = (udpPort: UdpPort) => {
    for (const address of udpPort.addresses) byAddress.set(hostPort(address, udpPort.port), udpPort);
    if (udpPort.nodePort !== undefined) byNodePort.set(udpPort.nodePort, udpPort);
  };
  for (const udpPort of gone) add(udpPort);
  const removed = new Set(gone);
  for (const udpPort of ports) add(udpPort);
  return flows.filter((flow) => {
    const owner =
      byAddress.get(hostPort(flow.destination, flow.destinationPort)) ?? byNodePort.get(flow.destinationPort);
    if (!owner) return false;
    if (removed.has(owner)) return true;
    return owner.serving.length > 0 && !owner.serving.includes(hostPort(flow.replySource, flow.replySourcePort));
  });
}
