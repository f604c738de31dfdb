// A plan asked about one packet: what the rules that are made of it must come to, and what changes of policies change.
import { contains } from '../net/cidr.ts';
import { parseIPSloppy } from '../net/ip.ts';
import type { PeerSet } from './peers.ts';
import type { Allow, Isolation, PolicyPlan, Protocol } from './plan.ts';

export interface PolicyPacket {
  /** Before its translation, as the client sent it. */
  readonly source: string;
  /** After its translation: of a pod, not of a Service. */
  readonly destination: string;
  readonly protocol: Protocol | 'ICMP';
  /** Of the destination; 0 for protocols without ports. */
  readonly port: number;
}

/** The isolation that lets the first packet of a connection not pass, or undefined: it may pass. */
export function deniedBy({ ingress, egress }: PolicyPlan, packet: PolicyPacket): Isolation | undefined {
  const { source, destination } = packet;
  if (source === destination) return undefined;
  const out = egress.get(source);
  if (out && !out.allows.some((allow) => lets(allow, destination, packet))) return out;
  const into = ingress.get(destination);
  if (into && !into.allows.some((allow) => lets(allow, source, packet))) return into;
  return undefined;
}

function lets({ peers, ports }: Allow, peer: string, { protocol, port }: PolicyPacket): boolean {
  const isForPort = ports?.some((range) => range.protocol === protocol && range.from <= port && port <= range.to);
  return (isForPort ?? true) && (peers === undefined || isPeer(peers, peer));
}

/** Whether the address, in canonical text, is one of them. */
export function isPeer({ addresses, blocks }: PeerSet, address: string): boolean {
  if (addresses.has(address)) return true;
  if (blocks.length === 0) return false;
  const ip = parseIPSloppy(address)?.ip;
  if (!ip) return false;
  return blocks.some(({ cidr, except }) => contains(cidr, ip) && !except.some((hole) => contains(hole, ip)));
}
