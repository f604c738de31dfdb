// What a packet is, what the node knows that it meets, and what becomes of it.
import type * as iptables from '../iptables/ruleset.ts';
import type { IpSet, RealServer, VirtualServer } from '../ipvs/ruleset.ts';
import type * as nftables from '../nftables/ruleset.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';
export type HookName = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

export interface AddressPort {
  /** Canonical text. */
  readonly address: string;
  readonly port: number;
}

/** What connection tracking knows of the packet's connection before the packet comes. */
export type Connection =
  | { readonly state: 'new' | 'invalid' }
  | {
      readonly state: 'established' | 'related';
      /** What the connection's translation makes of the packet's destination, and of its source. */
      readonly destination?: AddressPort;
      readonly source?: AddressPort;
    };

export interface Packet {
  readonly protocol: Protocol;
  /** Absent: the node picks it by the route, as for a socket that is bound to no address. */
  readonly source?: AddressPort;
  readonly destination: AddressPort;
  /** The device it comes in by; absent for what a process of the node itself sends. */
  readonly inInterface?: string;
  /** It came in by a port of a bridge whose packets the kernel shows to iptables. */
  readonly fromBridgePort?: boolean;
  readonly mark?: number;
  /** Absent: the first packet of a connection. */
  readonly connection?: Connection;
}

/** The rules of a node, all of one family. */
export interface Ruleset {
  readonly nftables?: readonly nftables.Table[];
  readonly iptables?: readonly iptables.Table[];
  readonly ipsets?: readonly IpSet[];
  readonly virtualServers?: readonly VirtualServer[];
  /** Addresses that a dummy device makes the node's own. */
  readonly addresses?: readonly string[];
}

export interface Device {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface Route {
  /** A prefix, such as `0.0.0.0/0`. */
  readonly destination: string;
  readonly device: string;
  /** The next hop; absent where the destination is a neighbour. */
  readonly via?: string;
}

/** Interfaces and routes of the node. Loopback addresses are its own without being listed. */
export interface NodeNetwork {
  /** In the kernel's order: an address of the first stands for the node where a device has none of its own. */
  readonly devices: readonly Device[];
  /** The longest prefix that holds an address wins. */
  readonly routes: readonly Route[];
  /** The sysctl of that name: whether packets of 127.0.0.0/8 may pass other devices than lo. */
  readonly routeLocalnet?: boolean;
}

/**
 * Which clients a dynamic set of nftables, a `recent` list of iptables or a real server (see {@link realServerList})
 * remembers: the name of the list, and the client addresses in it.
 */
export type Memory = ReadonlyMap<string, ReadonlySet<string>>;

/** An element of a set or map that a packet was found in. */
export interface FoundElement {
  readonly set: string;
  readonly key: string;
  /** Empty in sets. */
  readonly value: string;
}

/** What decided a step. Rules, tables and servers are the values of the ruleset themselves. */
export type Decision =
  | {
      readonly by: 'nftables';
      readonly table: nftables.Table;
      readonly chain: string;
      readonly rule: nftables.Rule;
      readonly elements: readonly FoundElement[];
    }
  | {
      readonly by: 'iptables';
      readonly table: iptables.TableName;
      readonly chain: string;
      readonly rule: iptables.Rule;
      readonly elements: readonly FoundElement[];
    }
  /** Without a real server, none takes new connections. */
  | { readonly by: 'ipvs'; readonly server: VirtualServer; readonly realServer: RealServer | undefined }
  | { readonly by: 'conntrack' }
  | { readonly by: 'routing'; readonly to: Route | 'this node' | 'nowhere' };

export interface Step {
  readonly hook: HookName;
  readonly decision: Decision;
  /** How likely this way was among those that the decision had: 1 unless dice were thrown. */
  readonly chance: number;
  /** The packet after the step. */
  readonly packet: { readonly source: AddressPort; readonly destination: AddressPort; readonly mark: number };
}

export type Verdict =
  /** Handed to a process of the node. */
  | { readonly kind: 'local' }
  | { readonly kind: 'sent'; readonly device: string; readonly via: string | undefined }
  /** Refused with an ICMP error. */
  | { readonly kind: 'reject' }
  | { readonly kind: 'drop' }
  /** Dropped by routing: a loopback address where none may be. */
  | { readonly kind: 'martian' }
  /** Refused by routing: nothing leads to the destination. */
  | { readonly kind: 'unreachable' };

export interface Outcome {
  /** Above 0, at most 1; those of all outcomes of a packet add up to 1. */
  readonly probability: number;
  readonly verdict: Verdict;
  /** The packet at its end, under the addresses it has then. */
  readonly source: AddressPort;
  readonly destination: AddressPort;
  readonly mark: number;
  /** Whether the source, or the destination, was translated on the way. */
  readonly masqueraded: boolean;
  readonly translated: boolean;
  readonly steps: readonly Step[];
  /** Lists that remember the client from now on. */
  readonly remembers: readonly { readonly list: string; readonly address: string }[];
}

/** The name under which a {@link Memory} knows who stays with a real server. */
export function realServerList(server: VirtualServer, real: RealServer): string {
  return `${server.protocol} ${server.address}:${server.port} -> ${real.address}:${real.port}`;
}
