// VXLAN (RFC 7348) between nodes that share no link: which end a node has, and what the kernel is told of the others' ends.
// Everything is static: no end learns or floods.
import { createHash } from 'node:crypto';
import type { Node } from '../api/core/v1/types.generated.ts';
import { parseCIDR } from '../net/cidr.ts';
import { canonicalIP, familyOf, formatIP, type IPFamily } from '../net/ip.ts';

export const tunnelDevice = 'portico.vxlan';
/** The network identifier: packets of other overlays on the same port are not ours. */
const vni = 80;
/** UDP, of RFC 7348. */
export const vxlanPort = 4789;

/** Of a Node: its end of the tunnel, as `{"address":"10.0.1.11/24","mac":"02:…"}`. Written by the node's agent. */
export const vtepAnnotation = 'portico.dev/vtep';

/** VXLAN tunnel end point. */
export interface Vtep {
  /** An address of the node, which packets of the tunnel are sent to. */
  readonly address: string;
  /** Length of the prefix of the link that carries the address. */
  readonly prefixLength: number;
  readonly mac: string;
}

/** What the header of a tunnel takes of each packet, in bytes: Ethernet 14, VXLAN 8, UDP 8, and IP of the underlay. */
export function overhead(underlay: IPFamily): number {
  return underlay === 'IPv4' ? 50 : 70;
}

/** The same at every start, locally administered, and not a group address. */
export function macOf(nodeName: string): string {
  const bytes = createHash('sha256').update(`portico ${nodeName}`).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

export function vtepText({ address, prefixLength, mac }: Vtep): string {
  return JSON.stringify({ address: `${address}/${prefixLength}`, mac });
}

/** Undefined for a node that has said nothing, or nothing that can be understood. */
export function vtepOf(node: Readonly<Node>): Vtep | undefined {
  let read: { readonly address?: unknown; readonly mac?: unknown } | null;
  try {
    read = JSON.parse(node.metadata.annotations?.[vtepAnnotation] ?? 'null');
  } catch {
    return undefined;
  }
  const [text = '', length = ''] = typeof read?.address === 'string' ? read.address.split('/') : [];
  const address = canonicalIP(text);
  const { mac } = read ?? {};
  if (address === undefined || !/^\d{1,3}$/.test(length)) return undefined;
  if (typeof mac !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) return undefined;
  return { address, prefixLength: Number(length), mac };
}

/**
 * The address of a node in the tunnel: the first of its pod CIDR, which no pod gets. What the node itself sends to pods
 * over the tunnel carries it, so that answers come back the same way.
 */
export function tunnelAddress(podCIDR: string): string {
  const cidr = parseCIDR(podCIDR);
  return cidr ? formatIP({ family: cidr.family, value: cidr.base }) : '';
}

/** The end of another node. */
export interface TunnelPeer {
  readonly mac: string;
  /** In the underlay. */
  readonly address: string;
  /** Its addresses in the tunnel. */
  readonly gateways: readonly string[];
}

/** The device as it is, or as it should be. */
export interface TunnelLink {
  readonly mac: string;
  readonly mtu: number;
  /** This node's address in the underlay. */
  readonly local: string;
  /** This node's addresses in the tunnel. */
  readonly addresses: readonly string[];
}

/** Static entries of the device: where a MAC is, and which MAC an address in the tunnel has. */
export interface TunnelEntries {
  readonly forwarding: ReadonlyMap<string, string>;
  readonly neighbours: ReadonlyMap<string, string>;
}

export function entriesOf(peers: readonly TunnelPeer[]): TunnelEntries {
  return {
    forwarding: new Map(peers.map(({ mac, address }) => [mac, address])),
    neighbours: new Map(peers.flatMap(({ mac, gateways }) => gateways.map((gateway) => [gateway, mac] as const))),
  };
}

/** Lines for `ip -batch` that make the device what it should be; none when it is. */
export function linkChanges(current: TunnelLink | undefined, desired: TunnelLink): string[] {
  const isSame = current?.mac === desired.mac && current.local === desired.local;
  const lines: string[] = [];
  if (current && !isSame) lines.push(`link del ${tunnelDevice}`);
  if (!current || !isSame) {
    const kind = `type vxlan id ${vni} local ${desired.local} dstport ${vxlanPort} nolearning`;
    lines.push(
      `link add ${tunnelDevice} address ${desired.mac} mtu ${desired.mtu} ${kind}`,
      `link set ${tunnelDevice} addrgenmode none`,
      `link set ${tunnelDevice} up`,
    );
  } else if (current.mtu !== desired.mtu) {
    lines.push(`link set ${tunnelDevice} mtu ${desired.mtu}`);
  }
  const had = isSame ? (current?.addresses ?? []) : [];
  const whole = (address: string) => (familyOf(address) === 'IPv4' ? `${address}/32` : `${address}/128 nodad`);
  for (const address of had) {
    if (!desired.addresses.includes(address)) {
      lines.push(`addr del ${address}/${familyOf(address) === 'IPv4' ? 32 : 128} dev ${tunnelDevice}`);
    }
  }
  for (const address of desired.addresses) {
    if (!had.includes(address)) lines.push(`addr add ${whole(address)} dev ${tunnelDevice}`);
  }
  return lines;
}

function mapChanges(current: ReadonlyMap<string, string>, desired: ReadonlyMap<string, string>) {
  return {
    gone: [...current].filter(([key]) => !desired.has(key)),
    set: [...desired].filter(([key, value]) => current.get(key) !== value),
  };
}

/** Lines for `bridge -batch` and for `ip -batch`. */
export function entryChanges(current: TunnelEntries, desired: TunnelEntries): { bridge: string[]; ip: string[] } {
  const forwarding = mapChanges(current.forwarding, desired.forwarding);
  const neighbours = mapChanges(current.neighbours, desired.neighbours);
  return {
    bridge: [
      ...forwarding.gone.map(([mac, to]) => `fdb del ${mac} dev ${tunnelDevice} dst ${to}`),
      ...forwarding.set.map(([mac, to]) => `fdb replace ${mac} dev ${tunnelDevice} dst ${to}`),
    ],
    ip: [
      ...neighbours.gone.map(([address]) => `neigh del ${address} dev ${tunnelDevice}`),
      ...neighbours.set.map(
        ([address, mac]) => `neigh replace ${address} lladdr ${mac} dev ${tunnelDevice} nud permanent`,
      ),
    ],
  };
}
