// Ranges of addresses and ports such as the kernel's sets take them: no two of one set overlap.
import { formatCIDR } from '../net/cidr.ts';
import { bitsOf, formatIP, type IPFamily } from '../net/ip.ts';
import type { Block } from './peers.ts';

/** Both ends belong to it. */
export interface Range<T extends bigint | number> {
  readonly from: T;
  readonly to: T;
}

/** The same numbers in as few ranges as there can be, sorted. */
export function union<T extends bigint | number>(ranges: readonly Range<T>[]): Range<T>[] {
  const merged: { from: T; to: T }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = merged.at(-1);
    // Next to each other is together.
    if (last && (from <= last.to || BigInt(from) === BigInt(last.to) + 1n)) {
      if (to > last.to) last.to = to;
    } else {
      merged.push({ from, to });
    }
  }
  return merged;
}

/** The addresses of a block, without its exceptions. */
export function rangesOf({ cidr, except }: Block): Range<bigint>[] {
  const rangeOf = ({ base, family, prefixLength }: Block['cidr']) => ({
    from: base,
    to: base + (1n << BigInt(bitsOf(family) - prefixLength)) - 1n,
  });
  const whole = rangeOf(cidr);
  const left: Range<bigint>[] = [];
  let from = whole.from;
  for (const hole of union(except.filter((e) => e.family === cidr.family).map(rangeOf))) {
    if (hole.from > from) left.push({ from, to: hole.from - 1n });
    if (hole.to >= from) from = hole.to + 1n;
  }
  if (from <= whole.to) left.push({ from, to: whole.to });
  return left;
}

/** Ports for a range of addresses. */
export interface Box {
  readonly addresses: Range<bigint>;
  /** A {@link union}; boxes that share one are quicker than boxes with equal ones. */
  readonly ports: readonly Range<number>[];
}

/** The same pairs of address and port in boxes of which no two overlap, by a sweep over the addresses. */
export function disjoint(boxes: readonly Box[]): Box[] {
  const opening = Map.groupBy(boxes, ({ addresses }) => addresses.from);
  const closing = Map.groupBy(boxes, ({ addresses }) => addresses.to + 1n);
  const edges = [...new Set([...opening.keys(), ...closing.keys()])].sort((a, b) => (a < b ? -1 : 1));
  const open = new Set<Box>();
  const result: { addresses: { from: bigint; to: bigint }; ports: readonly Range<number>[] }[] = [];
  for (const [i, edge] of edges.entries()) {
    for (const box of closing.get(edge) ?? []) open.delete(box);
    for (const box of opening.get(edge) ?? []) open.add(box);
    const next = edges[i + 1];
    if (open.size === 0 || next === undefined) continue;
    const ports = portsOf(open);
    const last = result.at(-1);
    if (last && last.addresses.to + 1n === edge && isSame(last.ports, ports)) {
      last.addresses.to = next - 1n;
    } else {
      result.push({ addresses: { from: edge, to: next - 1n }, ports });
    }
  }
  return result;
}

function portsOf(boxes: ReadonlySet<Box>): readonly Range<number>[] {
  const distinct = new Set<readonly Range<number>[]>();
  for (const { ports } of boxes) distinct.add(ports);
  const [first = [], ...more] = distinct;
  return more.length === 0 ? first : union([first, ...more].flat());
}

function isSame(a: readonly Range<number>[], b: readonly Range<number>[]): boolean {
  return a === b || (a.length === b.length && a.every(({ from, to }, i) => from === b[i]?.from && to === b[i]?.to));
}

/** As nft writes it: an address, a prefix where it is one, or two addresses with a dash. */
export function addressText({ from, to }: Range<bigint>, family: IPFamily): string {
  const size = to - from + 1n;
  const hostBits = size.toString(2).length - 1;
  if (size === 1n) return formatIP({ family, value: from });
  if (size === 1n << BigInt(hostBits) && from % size === 0n) {
    return formatCIDR({ family, base: from, prefixLength: bitsOf(family) - hostBits });
  }
  return `${formatIP({ family, value: from })}-${formatIP({ family, value: to })}`;
}

export function portText({ from, to }: Range<number>): string {
  return from === to ? String(from) : `${from}-${to}`;
}
