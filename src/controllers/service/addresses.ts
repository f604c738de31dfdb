// The addresses of a LoadBalancerPool: reading its entries, counting them, and who is inside. Pure.
import { addressAt, firstAddress, lastAddress, parseCIDR } from '../../net/cidr.ts';
import { type IP, type IPFamily, parseIP } from '../../net/ip.ts';

/** From the first to the last, both included. */
export interface AddressRange {
  readonly family: IPFamily;
  readonly first: bigint;
  readonly last: bigint;
}

/** The range of one entry of `spec.addresses`, or undefined where it is none. */
export function parseRange(entry: string): AddressRange | undefined {
  if (entry.includes('/')) return rangeOfBlock(entry);
  const [from = '', to = from, ...more] = entry.split('-');
  const [first, last] = [parseIP(from), parseIP(to)];
  if (!first || !last || more.length > 0 || first.family !== last.family || first.value > last.value) return undefined;
  return { family: first.family, first: first.value, last: last.value };
}

/** Blocks too small for it give all their addresses (RFC 3021, RFC 6164). */
function rangeOfBlock(entry: string): AddressRange | undefined {
  const cidr = parseCIDR(entry);
  if (!cidr) return undefined;
  const { family, prefixLength } = cidr;
  const [first, last] = [firstAddress(cidr).value, lastAddress(cidr).value];
  if (family === 'IPv4')
    return prefixLength > 30 ? { family, first, last } : { family, first: first + 1n, last: last - 1n };
  return prefixLength > 126 ? { family, first, last } : { family, first: addressAt(cidr, 1n).value, last };
}

/** The ranges of a pool in ascending order, with what overlaps joined, and the entries that are none. */
export function parseRanges(entries: readonly string[]): {
  readonly ranges: readonly AddressRange[];
  readonly wrong: readonly string[];
} {
  const parsed = entries.map((entry) => ({ entry, range: parseRange(entry) }));
  const ranges = parsed.flatMap(({ range }) => (range ? [range] : [])).sort(inOrder);
  const joined: AddressRange[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    if (before && before.family === range.family && range.first <= before.last) {
      joined[joined.length - 1] = { ...before, last: range.last > before.last ? range.last : before.last };
    } else {
      joined.push(range);
    }
  }
  return { ranges: joined, wrong: parsed.filter(({ range }) => !range).map(({ entry }) => entry) };
}

function inOrder(a: AddressRange, b: AddressRange): number {
  if (a.family !== b.family) return a.family === 'IPv4' ? -1 : 1;
  return a.first < b.first ? -1 : a.first > b.first ? 1 : 0;
}

export function includes(ranges: readonly AddressRange[], ip: IP): boolean {
  return ranges.some(({ family, first, last }) => family === ip.family && ip.value >= first && ip.value <= last);
}

/** How many addresses there are in all. */
export function countOf(ranges: readonly AddressRange[]): bigint {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}

/** The first address of a family that is not taken. */
export function firstFree(
  ranges: readonly AddressRange[],
  family: IPFamily,
  isTaken: (ip: IP) => boolean,
): IP | undefined {
  for (const range of ranges) {
    if (range.family !== family) continue;
    for (let value = range.first; value <= range.last; value += 1n) {
      if (!isTaken({ family, value })) return { family, value };
    }
  }
  return undefined;
}
