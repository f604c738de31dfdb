// The endpoints of a Service, read from its EndpointSlices.
import type { EndpointPort, EndpointSlice, Endpoint as SliceEndpoint } from '../api/discovery/v1/types.generated.ts';
import { joinHostPort } from '../net/ip.ts';
import { canonicalIP } from './address.ts';
import type { ServicePort } from './service-port.ts';

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** On the node whose rules are made. */
  readonly local: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Zones, or nodes, whose traffic should stay with this endpoint (`hints` of the slice). */
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** `ip:port`, or `[ip]:port` for IPv6. */
export function endpointText(endpoint: Endpoint): string {
  return joinHostPort(endpoint.ip, endpoint.port);
}

const none: readonly string[] = [];

function endpointOf(endpoint: SliceEndpoint, port: number, nodeName: string): Endpoint {
  const { conditions = {}, hints } = endpoint;
  return {
    ip: canonicalIP(endpoint.addresses[0]!),
    port,
    local: endpoint.nodeName === nodeName,
    ready: conditions.ready ?? true,
    serving: conditions.serving ?? true,
    terminating: conditions.terminating ?? false,
    zoneHints: hints?.forZones?.map((zone) => zone.name) ?? none,
    nodeHints: hints?.forNodes?.map((node) => node.name) ?? none,
  };
}

function serves(port: EndpointPort, servicePort: ServicePort): boolean {
  return (port.name ?? '') === servicePort.portName && (port.protocol ?? 'TCP').toLowerCase() === servicePort.protocol;
}

/** Running before terminating, then ready before not ready, then serving before not serving. */
function standing({ ready, serving, terminating }: Endpoint): number {
  return (terminating ? 0 : 4) + (ready ? 2 : 0) + (serving ? 1 : 0);
}

/**
 * The endpoints of one port, each address and port once and sorted by their text. Where several have the same one (an
 * endpoint moves from slice to slice, an address is used anew before its old pod is gone, pods share the node's address),
 * the one counts that is likeliest to answer.
 */
export function endpointsOf(
  servicePort: ServicePort,
  slices: Iterable<Readonly<EndpointSlice>>,
  nodeName: string,
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== servicePort.family) continue;
    for (const port of slice.ports ?? []) {
      if (!port.port || !serves(port, servicePort)) continue;
      for (const sliceEndpoint of slice.endpoints ?? []) {
        if (!sliceEndpoint.addresses?.[0]) continue;
        const endpoint = endpointOf(sliceEndpoint, port.port, nodeName);
        const text = endpointText(endpoint);
        const seen = found.get(text);
        if (!seen || standing(endpoint) > standing(seen)) found.set(text, endpoint);
      }
    }
  }
  if (found.size < 2) return [...found.values()];
  return [...found].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, endpoint]) => endpoint);
}
