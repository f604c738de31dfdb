// Reads what `nft monitor trace` and `conntrack -L` print.
import type { AddressPort } from '../../netfilter/packet.ts';

export interface KernelStep {
  /** `ip portico-proxy`. */
  readonly table: string;
  readonly chain: string;
  /** The rule's text; empty for a chain's policy. */
  readonly rule: string;
  /** accept, drop, continue, jump X, goto X, … */
  readonly verdict: string;
}

export interface KernelPacket {
  readonly id: string;
  readonly source: AddressPort;
  readonly destination: AddressPort;
  readonly steps: readonly KernelStep[];
}

/** Packets in the order in which the kernel met them. `watchTable` is the watcher's own, whose steps say nothing. */
export function readTrace(lines: readonly string[], watchTable: string): KernelPacket[] {
  const packets = new Map<string, { -readonly [K in keyof KernelPacket]: KernelPacket[K] } & { steps: KernelStep[] }>();
  for (const line of lines) {
    const [, id, table, chain, rest] = /^trace id (\w+) (\w+ \S+) (\S+) (.*)$/.exec(line) ?? [];
    if (id === undefined || table === undefined || chain === undefined || rest === undefined) continue;
    if (rest.startsWith('packet: ')) {
      const ends = endsOf(rest);
      if (ends && !packets.has(id)) packets.set(id, { id, ...ends, steps: [] });
      continue;
    }
    const step = table === `inet ${watchTable}` ? undefined : stepOf(rest);
    if (step) packets.get(id)?.steps.push({ table, chain, ...step });
  }
  return [...packets.values()];
}

function endsOf(text: string): Pick<KernelPacket, 'source' | 'destination'> | undefined {
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
