// The arithmetic of allocation, for Service addresses and node ports alike (service-semantics 1.5 and 1.7): a range is
// split in a lower band, kept for those who name their number, and an upper one, from which numbers are dealt.
import { type CIDR, sizeOf } from './cidr.ts';

/** How many numbers at the start of a range are kept for static use, by the size of the range. */
export interface BandRule {
  readonly min: number;
  readonly max: number;
  /** The share of the range: one in `step`. */
  readonly step: number;
}

/** KEP-3070: Service addresses. */
export const serviceIPBand: BandRule = { min: 16, max: 256, step: 16 };
/** KEP-3668: node ports. */
export const nodePortBand: BandRule = { min: 16, max: 128, step: 32 };

/** The size of the lower band; 0 for a range no larger than the band's least size. */
export function staticBand(size: bigint, rule: BandRule): bigint {
  if (size <= BigInt(rule.min)) return 0n;
  const share = size / BigInt(rule.step);
  if (share < BigInt(rule.min)) return BigInt(rule.min);
  return share > BigInt(rule.max) ? BigInt(rule.max) : share;
}

/**
 * The addresses of a Service range that can be given out, as indexes from the block's first address: all but the
 * network address and, for IPv4, the broadcast address.
 */
export function usableServiceIPs(cidr: CIDR): { readonly first: bigint; readonly count: bigint } {
  const size = sizeOf(cidr);
  const kept = cidr.family === 'IPv4' ? 2n : 1n;
  return { first: 1n, count: size > kept ? size - kept : 0n };
}

export interface Deal {
  /** How many numbers there are: 0 to count − 1. */
  readonly count: bigint;
  /** How many of them, from 0, are dealt only when all others are taken. */
  readonly band: bigint;
  /** A throw in [0, 1): where in the upper band the search starts. */
  readonly dice: number;
  readonly isTaken: (index: bigint) => boolean;
}

/** A free number: the first one from a random start in the upper band, round that band, then up the lower one. */
export function dealNumber({ count, band, dice, isTaken }: Deal): bigint | undefined {
  const upper = count - band;
  if (upper > 0n) {
    const start = scale(upper, dice);
    for (let i = 0n; i < upper; i++) {
      const index = band + ((start + i) % upper);
      if (!isTaken(index)) return index;
    }
  }
  for (let index = 0n; index < band && index < count; index++) {
    if (!isTaken(index)) return index;
  }
  return undefined;
}

/** `count * dice`, rounded down, without losing the low digits of large counts. */
function scale(count: bigint, dice: number): bigint {
  const steps = 2 ** 52;
  return (count * BigInt(Math.floor(dice * steps))) / BigInt(steps);
}
