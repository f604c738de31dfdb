// From a Service and its pods to the endpoints wanted, grouped by the ports they serve.
import { isPodReady, isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { Endpoint, EndpointPort } from '../../api/discovery/v1/types.generated.ts';
import { podAddresses, targetPortOf } from '../shared/pods.ts';

/** Endpoints of pods that resolve the Service's ports to the same numbers; they may share slices. */
export interface PortGroup {
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

export interface PodEndpoints {
  /** By {@link portsKey}, in a stable order. */
  readonly groups: ReadonlyMap<string, PortGroup>;
  /** Nodes that pods name but that are not (yet) known; their pods are left out. */
  readonly missingNodes: readonly string[];
}

export interface PodEndpointsInput {
  readonly service: Readonly<Service>;
  readonly pods: readonly Readonly<Pod>[];
  readonly node: (name: string) => Readonly<Node> | undefined;
}

export const zoneLabel = 'topology.kubernetes.io/zone';

/** The endpoints of one family. */
export function podEndpoints({ service, pods, node }: PodEndpointsInput, family: string): PodEndpoints {
  const groups = new Map<string, PortGroup>();
  const missing = new Set<string>();
  for (const pod of [...pods].sort(byName)) {
    const addresses = podAddresses(pod)
      .flatMap((one) => (one.family === family ? [one.ip] : []))
      .sort();
    if (isPodTerminal(pod) || addresses.length === 0) continue;
    const ports = portsOf(service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    const { nodeName } = pod.spec;
    const podNode = nodeName ? node(nodeName) : undefined;
    if (nodeName && !podNode && !service.spec.publishNotReadyAddresses) missing.add(nodeName);
    else group.endpoints.push(endpointOf(service, pod, podNode, addresses));
  }
  return { groups, missingNodes: [...missing] };
}

/** Equal for ports that may share a slice, whatever their order. */
export function portsKey(ports: readonly EndpointPort[]): string {
  return ports
    .map((p) => JSON.stringify([p.name ?? '', p.protocol ?? 'TCP', p.port ?? 0, p.appProtocol ?? null]))
    .sort()
    .join();
}

function portsOf(service: Readonly<Service>, pod: Readonly<Pod>): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const servicePort of service.spec.ports ?? []) {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) continue;
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    ports.push({ name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) });
  }
  return ports;
}

function endpointOf(
  service: Readonly<Service>,
  pod: Readonly<Pod>,
  node: Readonly<Node> | undefined,
  addresses: string[],
): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { name, namespace, uid } = pod.metadata;
  const { hostname, subdomain, nodeName } = pod.spec;
  const zone = node?.metadata.labels?.[zoneLabel];
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname && subdomain === service.metadata.name && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: { kind: 'Pod', name, ...(namespace && { namespace }), ...(uid && { uid }) },
    ...(zone && { zone }),
  };
}

function byName(a: Readonly<Pod>, b: Readonly<Pod>): number {
  return a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0;
}
