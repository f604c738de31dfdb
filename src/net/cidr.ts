// Blocks of addresses (RFC 4632): reading, writing, and who is inside.
import { bitsOf, familyOf, formatIP, type IP, type IPFamily, parseIP, parseIPSloppy } from './ip.ts';

export interface CIDR {
  readonly family: IPFamily;
  /** The first address, with no bits beyond the prefix. */
  readonly base: bigint;
  /** 0–32 or 0–128. */
  readonly prefixLength: number;
}

export interface ParsedCIDR {
  readonly cidr: CIDR;
  /** The address as it was written, with its host bits. */
  readonly ip: IP;
  /** In the address or in the prefix length. */
  readonly leadingZeros: boolean;
  /** Written with an IPv4-mapped IPv6 address; `cidr` is then the IPv4 block, or an IPv6 one that is wider than all of them. */
  readonly mapped: boolean;
}

/** Reads `address/length` as upstream's sloppy parser does: host bits, leading zeros and IPv4-mapped addresses pass. */
export function parseCIDRSloppy(text: string): ParsedCIDR | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIPSloppy(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (!address || !/^\d+$/.test(length)) return undefined;
  const written = Number(length);
  const { ip, mapped } = address;
  if (written > (mapped ? 128 : bitsOf(ip.family))) return undefined;
  // The length of a mapped address counts the 96 bits before it; a block that reaches into those is one of IPv6.
  const isWide = mapped && written < 96;
  const base: IP = isWide ? { family: 'IPv6', value: (0xffffn << 32n) | ip.value } : ip;
  return {
    cidr: cidrOf(base, mapped && !isWide ? written - 96 : written),
    ip,
    leadingZeros: address.leadingZeros || (length.length > 1 && length.startsWith('0')),
    mapped,
  };
}

/** Reads a block strictly: no host bits, no leading zeros, no IPv4-mapped address. */
export function parseCIDR(text: string): CIDR | undefined {
  const parsed = parseCIDRSloppy(text);
  if (!parsed || parsed.leadingZeros || parsed.mapped || parsed.ip.value !== parsed.cidr.base) return undefined;
  return parsed.cidr;
}

/** Of a text such as `10.0.0.0/8`, whose length is not looked at; undefined where it begins with no address. */
export function familyOfCIDR(text: string): IPFamily | undefined {
  return familyOf(text.split('/')[0] ?? '');
}

/** The block of this length that holds the address. */
export function cidrOf(ip: IP, prefixLength: number): CIDR {
  const hostBits = BigInt(bitsOf(ip.family) - prefixLength);
  return { family: ip.family, base: (ip.value >> hostBits) << hostBits, prefixLength };
}

/** Canonical text. */
export function formatCIDR(cidr: CIDR): string {
  return `${formatIP({ family: cidr.family, value: cidr.base })}/${cidr.prefixLength}`;
}

/** How many addresses the block has. */
export function sizeOf(cidr: CIDR): bigint {
  return 1n << BigInt(bitsOf(cidr.family) - cidr.prefixLength);
}

export function firstAddress(cidr: CIDR): IP {
  return { family: cidr.family, value: cidr.base };
}

export function lastAddress(cidr: CIDR): IP {
  return { family: cidr.family, value: cidr.base + sizeOf(cidr) - 1n };
}

export function contains(cidr: CIDR, ip: IP): boolean {
  return ip.family === cidr.family && ip.value >= cidr.base && ip.value < cidr.base + sizeOf(cidr);
}

/** Whether every address of `inner` is one of `outer`. */
export function containsCIDR(outer: CIDR, inner: CIDR): boolean {
  return outer.prefixLength <= inner.prefixLength && contains(outer, firstAddress(inner));
}

export function overlaps(a: CIDR, b: CIDR): boolean {
  return containsCIDR(a, b) || containsCIDR(b, a);
}

/** The i-th address of the block, from 0. */
export function addressAt(cidr: CIDR, index: bigint): IP {
  return { family: cidr.family, value: cidr.base + index };
}

/** Whether a text is an address inside the block, strictly read. */
export function containsText(cidr: CIDR, text: string): boolean {
  const ip = parseIP(text);
  return ip !== undefined && contains(cidr, ip);
}
