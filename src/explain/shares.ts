// How the proxies of all nodes together spread new connections over the endpoints of a Service.
import type { Node } from '../api/core/v1/types.generated.ts';
import type { IPFamily } from '../net/ip.ts';
import { endpointText } from '../proxy/endpoint.ts';
import { proxyNodeOf } from '../proxy/node.ts';
import type { ServicePort } from '../proxy/service-port.ts';
import type { ServiceView } from '../proxy/service-view.ts';

export interface PortShares {
  readonly servicePort: ServicePort;
  /** By `address:port`: 0 to 1 of the connections to the cluster IP, when every node sends alike. */
  readonly shares: ReadonlyMap<string, number>;
  /** The share that is refused or dropped. */
  readonly lost: number;
}

export const bothFamilies: readonly IPFamily[] = ['IPv4', 'IPv6'];

/** The nodes that may see a Service in different ways; one stands for all where neither policy nor hints tell them apart. */
function placesOf(view: ServiceView, name: string, nodes: readonly Readonly<Node>[]): readonly Readonly<Node>[] {
  const sources = view.sources(name);
  const isLocal = sources?.service.spec?.internalTrafficPolicy === 'Local';
  const isHinted = sources?.slices.some(({ endpoints }) => endpoints?.some(({ hints }) => hints !== undefined));
  return isLocal || isHinted ? nodes : nodes.slice(0, 1);
}

/** Of a Service (`namespace/name`), one for each port and family. */
export function sharesOf(view: ServiceView, name: string, nodes: Iterable<Readonly<Node>>): PortShares[] {
  const found = new Map<string, { servicePort: ServicePort; shares: Map<string, number>; lost: number }>();
  const all = placesOf(view, name, [...nodes]);
  for (const family of bothFamilies) {
    for (const node of all) {
      for (const plan of view.plans(name, family, proxyNodeOf(node, family))) {
        const { servicePort, internal, localEndpoints, clusterEndpoints } = plan;
        const key = `${servicePort.name} ${servicePort.protocol} ${family}`;
        const port = found.get(key) ?? { servicePort, shares: new Map<string, number>(), lost: 0 };
        found.set(key, port);
        const chosen = internal === 'local' ? localEndpoints : internal === 'cluster' ? clusterEndpoints : [];
        if (chosen.length === 0) port.lost += 1 / all.length;
        for (const endpoint of chosen) {
          const text = endpointText(endpoint);
          port.shares.set(text, (port.shares.get(text) ?? 0) + 1 / chosen.length / all.length);
        }
      }
    }
  }
  return [...found.values()];
}
