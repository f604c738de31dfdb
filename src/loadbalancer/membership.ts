// Who is alive, and who answers for what, from the heartbeats that were heard. Keeps no time of its own: it is told that of
// a clock which only grows.
import { type CIDR, formatCIDR, parseCIDR } from '../net/cidr.ts';
import type { Peer } from './plan.ts';

/** Milliseconds between two heartbeats of a node. */
export const heartbeatInterval = 250;
/** A node is dead after so many milliseconds of silence: five heartbeats lost. With one more tick a takeover begins after 1.5 s. */
export const silenceLimit = 1250;

/** One packet. */
export interface Heartbeat {
  readonly node: string;
  readonly networks: readonly string[];
  readonly claims: Readonly<Record<string, number>>;
  /** The agent ends, and gives up what it answers for. */
  readonly leaves?: true;
}

export function encodeHeartbeat({ node, networks, claims, leaves }: Peer & Pick<Heartbeat, 'leaves'>): string {
  const heartbeat: Heartbeat = {
    node,
    networks: networks.map(formatCIDR),
    claims: Object.fromEntries(claims),
    ...(leaves && { leaves }),
  };
  return JSON.stringify(heartbeat);
}

/** Undefined for what is no heartbeat: anybody can send a packet. */
export function decodeHeartbeat(packet: string): Heartbeat | undefined {
  let value: unknown;
  try {
    value = JSON.parse(packet);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { node, networks, claims, leaves } = value as Partial<Record<keyof Heartbeat, unknown>>;
  if (typeof node !== 'string' || !Array.isArray(networks) || typeof claims !== 'object' || claims === null)
    return undefined;
  if (!networks.every((network) => typeof network === 'string')) return undefined;
  if (!Object.values(claims).every(Number.isSafeInteger)) return undefined;
  return { node, networks, claims: claims as Record<string, number>, ...(leaves === true && { leaves }) };
}

export class Membership {
  readonly #heard = new Map<string, { readonly peer: Peer; readonly at: number }>();
  /** The latest term of each claim that was ever heard of, dead nodes' too. */
  readonly #terms = new Map<string, number>();

  hear({ node, networks, claims, leaves }: Heartbeat, now: number): void {
    for (const [key, term] of Object.entries(claims)) this.#terms.set(key, Math.max(term, this.termOf(key)));
    if (leaves) {
      this.#heard.delete(node);
      return;
    }
    const blocks: CIDR[] = networks.flatMap((text) => parseCIDR(text) ?? []);
    this.#heard.set(node, { peer: { node, networks: blocks, claims: new Map(Object.entries(claims)) }, at: now });
  }

  /** Those heard of within the limit. */
  alive(now: number): Peer[] {
    return [...this.#heard.values()].filter(({ at }) => now - at <= silenceLimit).map(({ peer }) => peer);
  }

  termOf(key: string): number {
    return this.#terms.get(key) ?? 0;
  }

  /** Forgets claims of Services that are gone. */
  keepTerms(keys: ReadonlySet<string>): void {
    for (const key of this.#terms.keys()) if (!keys.has(key)) this.#terms.delete(key);
  }
}
