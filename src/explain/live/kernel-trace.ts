// Reads what `nft monitor trace` and `conntrack -L` print.
import type { AddressPort } from '../../netfilter/packet.ts';
import { type Ends, isLastChain, isWatchTable, type Passing } from './watch.ts';

export interface KernelStep {
  /** `ip portico-proxy`. */
  readonly table: string;
  readonly chain: string;
  /** The rule's text; empty for a chain's policy. */
  readonly rule: string;
  /** accept, drop, continue, jump X, goto X, … */
  readonly verdict: string;
}

export interface KernelPacket extends Passing {
  readonly id: string;
  readonly steps: readonly KernelStep[];
}

/**
 * Packets in the order in which the kernel met them. `watchTable` is the watcher's own, whose steps say nothing: every packet
 * meets it first; so do those of others who watch at the same time. A packet that goes on to another device is given another id
 * there, and is the same one.
 */
export function readTrace(lines: readonly string[], watchTable: string): KernelPacket[] {
  const packets = new Map<string, { -readonly [K in keyof KernelPacket]: KernelPacket[K] } & { steps: KernelStep[] }>();
  const own = `inet ${watchTable}`;
  for (const line of lines) {
    const [, id, table, chain, rest] = /^trace id (\w+) (\w+ \S+) (\S+) (.*)$/.exec(line) ?? [];
    if (id === undefined || table === undefined || chain === undefined || rest === undefined) continue;
    if (table !== own && isWatchTable(table)) continue;
    const isLast = table === own && isLastChain(chain);
    if (rest.startsWith('packet: ')) {
      const ends = endsOf(rest);
      const known = packets.get(id);
      if (known && isLast) known.end = ends;
      // It may go round by the node's own device.
      else if (known?.end) known.end = undefined;
      if (known || !ends) continue;
      const earlier = [...packets.values()].findLast(({ source }) => isSameEnd(source, ends.source));
      const isNew = table === own && !isLast;
      if (earlier && !isNew) packets.set(id, earlier);
      else if (!isLast) packets.set(id, { id, ...ends, steps: [], end: undefined });
      if (isLast && earlier) earlier.end = ends;
      continue;
    }
    const step = table === own ? undefined : stepOf(rest);
    const packet = step && packets.get(id);
    if (!packet) continue;
    packet.steps.push({ table, chain, ...step });
    if (step.verdict === 'drop') packet.end = 'dropped';
  }
  return [...new Set(packets.values())];
}

export function isSameEnd(a: AddressPort, b: AddressPort): boolean {
  return a.address === b.address && a.port === b.port;
}

function endsOf(text: string): Ends | undefined {
  const [, source, destination] = /ip6? saddr (\S+) ip6? daddr (\S+)/.exec(text) ?? [];
  const [, from, to] = /sport (\d+) \w+ dport (\d+)/.exec(text) ?? [];
  if (source === undefined || destination === undefined) return undefined;
  return {
    source: { address: source, port: Number(from ?? 0) },
    destination: { address: destination, port: Number(to ?? 0) },
  };
}

function stepOf(text: string): Pick<KernelStep, 'rule' | 'verdict'> | undefined {
  const [, rule, verdict] = /^(?:rule (.*)|unknown rule handle \d+) \(verdict ([^)]+)\)/.exec(text) ?? [];
  if (verdict !== undefined)
    return { rule: (rule ?? '').replace(/ *counter packets \d+ bytes \d+ */, ' ').trim(), verdict };
  const [, policy] = /^policy (\w+)/.exec(text) ?? [];
  return policy === undefined ? undefined : { rule: '', verdict: policy };
}

export interface Flow {
  readonly source: AddressPort;
  readonly destination: AddressPort;
  /** Who answers, and to whom: what address translation made of the two. */
  readonly answerer: AddressPort;
  readonly client: AddressPort;
}

export function readFlow(line: string): Flow | undefined {
  const [one, two] = [...line.matchAll(/src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g)].map(
    ([, src, dst, sport, dport]) => ({
      source: { address: src ?? '', port: Number(sport) },
      destination: { address: dst ?? '', port: Number(dport) },
    }),
  );
  return one && two && { ...one, answerer: two.source, client: two.destination };
}
