// What a node is asked to watch in its kernel, and what it saw: shared by the agent that watches and those who ask.
import type { IPFamily } from '../../net/ip.ts';
import type { AddressPort } from '../../netfilter/packet.ts';

export interface PacketMatch {
  readonly family: IPFamily;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** None: whoever it comes from. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly ports: readonly number[];
  /** Where it is known: address translation may change it. */
  readonly sourcePort?: number;
}

export interface Send {
  readonly protocol: 'tcp' | 'udp';
  readonly destination: string;
  readonly port: number;
  readonly sourcePort: number;
  /** Of the pod that sends; undefined: the node itself does. */
  readonly podAddress?: string;
}

/** A packet looks like this, or like this. */
export interface WatchRequest {
  readonly matches: readonly PacketMatch[];
}

/** A packet's. */
export interface Ends {
  readonly source: AddressPort;
  readonly destination: AddressPort;
}

/** A packet as it came to a node, and what became of it there. */
export interface Passing extends Ends {
  /** How it left the node, or came to a process of it; undefined while it is on its way. */
  readonly end: Ends | 'dropped' | undefined;
}

/** What the sender met: nobody answers a datagram that just arrives. */
export type SendResult = 'connected' | 'refused' | 'no answer';

/** The model of a node's rules, to be put beside the kernel's in the kernel's own words. */
export interface RulesModel {
  readonly mode: 'nftables' | 'iptables' | 'ipvs';
  /** Of the packet, whose rules alone iptables knows at a time; nftables' text is of both. */
  readonly family: IPFamily;
  readonly text: string;
}

export interface Seen {
  /** Lines of `nft monitor trace`. */
  readonly trace: readonly string[];
  /** Lines of `conntrack -L` of the flows that the match means. */
  readonly conntrack: readonly string[];
  /** The proxy's rules as the kernel lists them, and as it would list those of the model; empty in ipvs mode. */
  readonly kernelRules: readonly string[];
  readonly modelRules: readonly string[];
}

const watchPrefix = 'portico-watch-';
/** The table of a watch. */
export const watchTableOf = (id: string): string => `${watchPrefix}${id}`;
/** Whether a table, with its family, is one of those: they touch nothing. */
export const isWatchTable = (table: string): boolean => table.startsWith(`inet ${watchPrefix}`);

const firstHooks = ['prerouting', 'output'] as const;
const lastHooks = ['input', 'postrouting'] as const;
const lastChainOf = (hook: string): string => `last-${hook}`;

/** Of a watching table's chains, those that a packet meets after all others: it shows there how it leaves. */
export const isLastChain = (chain: string): boolean => chain.startsWith(lastChainOf(''));

/**
 * A table that marks the first packets of the flows for tracing; it touches nothing. The kernel tells of each chain that such a
 * packet meets, so the empty ones at the end tell that it is through.
 */
export function watchScript(table: string, matches: readonly PacketMatch[]): string {
  const rules = matches.map(watchRule).join('\n    ');
  const chain = (name: string, hook: string, priority: number) =>
    `  chain ${name} {\n    type filter hook ${hook} priority ${priority}; policy accept;\n`;
  const first = firstHooks.map((hook) => `${chain(hook, hook, -450)}    ${rules}\n  }\n`);
  // The kernel's own last act, confirming the connection, has the highest priority that there is.
  const last = lastHooks.map((hook) => `${chain(lastChainOf(hook), hook, 2 ** 31 - 2)}  }\n`);
  return `table inet ${table} {\n${[...first, ...last].join('')}}\n`;
}

function watchRule({ family, protocol, sources, destinations, ports, sourcePort }: PacketMatch): string {
  const ip = family === 'IPv6' ? 'ip6' : 'ip';
  const set = (values: readonly (string | number)[]) => `{ ${values.join(', ')} }`;
  const first = protocol === 'tcp' ? 'tcp flags & (syn | ack) == syn ' : '';
  const senders = sources.length === 0 ? '' : `${ip} saddr ${set(sources)} `;
  const from = sourcePort === undefined ? '' : `th sport ${sourcePort} `;
  return (
    `${senders}${ip} daddr ${set(destinations)} meta l4proto ${protocol} ` +
    `th dport ${set(ports)} ${from}${first}meta nftrace set 1`
  );
}
