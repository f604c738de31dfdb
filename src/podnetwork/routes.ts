// How pods of other nodes are reached, as a pure function of the Node objects: by a route over a link that both nodes share,
// or through the tunnel.
import { internalIPs, podCIDRsOf } from '../api/core/v1/node/facts.ts';
import type { Node } from '../api/core/v1/types.generated.ts';
import { cidrOf, containsText, familyOfCIDR } from '../net/cidr.ts';
import { familyOf, parseIP } from '../net/ip.ts';
import { type TunnelPeer, tunnelAddress, tunnelDevice, type Vtep, vtepOf } from './vxlan.ts';

/** Routing protocol number of our routes (rtnetlink(7): 5–254 are free for routing daemons' own use). */
export const routeProtocol = 80;

/** `auto` decides for each pair of nodes: routes where they share a link, else VXLAN. */
export const podNetworkModes = ['auto', 'routes', 'vxlan'] as const;
export type PodNetworkMode = (typeof podNetworkModes)[number];

export interface Route {
  readonly destination: string;
  readonly gateway: string;
  /** The tunnel's; absent means the link on which the gateway is. */
  readonly device?: string;
}

/** An address of a link, with the length of its prefix. */
export interface LinkAddress {
  readonly address: string;
  readonly prefixLength: number;
}

export interface NetworkView {
  readonly nodes: readonly Readonly<Node>[];
  /** Name of this node. */
  readonly own: string;
  readonly mode: PodNetworkMode;
  /** This node's, of links that are not the pods'. */
  readonly links: readonly LinkAddress[];
  /** This node's end; absent where there can be no tunnel. */
  readonly vtep?: Vtep | undefined;
}

export interface NetworkPlan {
  readonly routes: readonly Route[];
  readonly peers: readonly TunnelPeer[];
  /** Node addresses to which pods' packets may go as they are: there is a way back. The node's own are among them. */
  readonly nodeIPs: readonly string[];
}

function holds({ address, prefixLength }: LinkAddress, other: string): boolean {
  const ip = parseIP(address);
  return ip !== undefined && containsText(cidrOf(ip, prefixLength), other);
}

/** The way to each other node's pods, one per pod CIDR; none where there is no way yet. */
export function planNetwork(view: NetworkView): NetworkPlan {
  const routes: Route[] = [];
  const peers: TunnelPeer[] = [];
  const nodeIPs: string[] = [];
  for (const node of view.nodes) {
    if (node.metadata.name === view.own) {
      nodeIPs.push(...internalIPs(node));
      continue;
    }
    const vtep = peerOf(node, view);
    const gateways: string[] = [];
    for (const destination of podCIDRsOf(node)) {
      const neighbour = neighbourFor(destination, node, view);
      if (neighbour !== undefined) {
        routes.push({ destination, gateway: neighbour });
        nodeIPs.push(neighbour);
      } else if (vtep) {
        const gateway = tunnelAddress(destination);
        gateways.push(gateway);
        routes.push({ destination, gateway, device: tunnelDevice });
      }
    }
    if (vtep && gateways.length > 0) peers.push({ mac: vtep.mac, address: vtep.address, gateways });
  }
  return { routes, peers, nodeIPs: nodeIPs.sort() };
}

/** The node's address of the CIDR's family, if a plain route may lead there. */
function neighbourFor(
  destination: string,
  node: Readonly<Node>,
  { mode, links, vtep }: NetworkView,
): string | undefined {
  if (mode === 'vxlan') return undefined;
  const family = familyOfCIDR(destination);
  const address = internalIPs(node).find((ip) => familyOf(ip) === family);
  if (address === undefined || mode === 'routes') return address;
  if (!links.some((link) => holds(link, address))) return undefined;
  // Both must see it so, or one would send packets where the other does not expect them.
  const theirs = vtepOf(node);
  const sameKind = theirs && vtep && familyOf(theirs.address) === familyOf(vtep.address);
  return sameKind && !holds(theirs, vtep.address) ? undefined : address;
}

/** The other node's end, if both ends can speak to each other. */
function peerOf(node: Readonly<Node>, { mode, vtep }: NetworkView): Vtep | undefined {
  if (mode === 'routes' || !vtep) return undefined;
  const theirs = vtepOf(node);
  return theirs && familyOf(theirs.address) === familyOf(vtep.address) ? theirs : undefined;
}

const text = ({ destination, gateway, device }: Route): string =>
  `${destination} via ${gateway}${device === undefined ? '' : ` dev ${device} onlink`}`;

/** Lines for `ip -batch` that turn one set of routes into the other; no line when they are the same. */
export function routeChanges(current: readonly Route[], desired: readonly Route[]): string[] {
  const have = new Set(current.map(text));
  const kept = new Set(desired.map((r) => r.destination));
  return [
    ...current.filter((r) => !kept.has(r.destination)).map((r) => `route del ${r.destination} proto ${routeProtocol}`),
    ...desired.filter((r) => !have.has(text(r))).map((r) => `route replace ${text(r)} proto ${routeProtocol}`),
  ].sort();
}
