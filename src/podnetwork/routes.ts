// Routes to the pods of other nodes, as a pure function of the Node objects.
import type { Node } from '../api/core/v1/types.generated.ts';
import { familyOf } from '../net/ip.ts';

/** Routing protocol number of our routes (rtnetlink(7): 5–254 are free for routing daemons' own use). */
export const routeProtocol = 80;

export interface Route {
  readonly destination: string;
  readonly gateway: string;
}

export function internalIPs(node: Readonly<Node>): string[] {
  return (node.status?.addresses ?? []).filter((a) => a.type === 'InternalIP').map((a) => a.address);
}

export function podCIDRsOf(node: Readonly<Node>): readonly string[] {
  return node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []);
}

/** One route per pod CIDR of every other node that has an address of the same family. */
export function routesTo(nodes: readonly Readonly<Node>[], own: string): Route[] {
  const routes: Route[] = [];
  for (const node of nodes) {
    if (node.metadata.name === own) continue;
    const gateways = internalIPs(node);
    for (const destination of podCIDRsOf(node)) {
      const family = familyOf(destination.split('/')[0] ?? '');
      const gateway = gateways.find((ip) => familyOf(ip) === family);
      if (gateway) routes.push({ destination, gateway });
    }
  }
  return routes;
}

const text = ({ destination, gateway }: Route): string => `${destination} via ${gateway}`;

/** Lines for `ip -batch` that turn one set of routes into the other; no line when they are the same. */
export function routeChanges(current: readonly Route[], desired: readonly Route[]): string[] {
  const have = new Set(current.map(text));
  const kept = new Set(desired.map((r) => r.destination));
  return [
    ...current.filter((r) => !kept.has(r.destination)).map((r) => `route del ${r.destination} proto ${routeProtocol}`),
    ...desired.filter((r) => !have.has(text(r))).map((r) => `route replace ${text(r)} proto ${routeProtocol}`),
  ].sort();
}
