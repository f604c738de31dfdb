// Addresses as values: IPv4 and IPv6 alike are a family and a number, so that arithmetic and comparison are plain.
// Texts are read as strictly as the caller asks, and written in the canonical form of RFC 5952.

declare const brand: unique symbol;

/** An address in canonical text: dotted IPv4, or RFC 5952 IPv6. Made by {@link formatIP} only. */
export type CanonicalIP = string & { readonly [brand]: 'CanonicalIP' };

export type IPFamily = 'IPv4' | 'IPv6';

export interface IP {
  readonly family: IPFamily;
  /** Below 2^32 for IPv4, 2^128 for IPv6. */
  readonly value: bigint;
}

/** What a reading tolerated that a strict reader refuses. */
export interface ParsedIP {
  readonly ip: IP;
  /** An IPv4 part with leading zeros (`010.0.0.1`), which some take for octal. */
  readonly leadingZeros: boolean;
  /** Written as `::ffff:10.0.0.1`; `ip` is then the IPv4 address. */
  readonly mapped: boolean;
}

const mappedPrefix = 0xffffn << 32n;

/** Reads an address as upstream's sloppy parser does: leading zeros and IPv4-mapped addresses pass, zones do not. */
export function parseIPSloppy(text: string): ParsedIP | undefined {
  if (!text.includes(':')) {
    const four = parseIPv4(text);
    return four && { ip: { family: 'IPv4', value: four.value }, leadingZeros: four.leadingZeros, mapped: false };
  }
  const six = parseIPv6(text);
  if (!six) return undefined;
  if (six.value >> 32n === mappedPrefix >> 32n) {
    return {
      ip: { family: 'IPv4', value: six.value & 0xffffffffn },
      leadingZeros: six.leadingZeros,
      mapped: true,
    };
  }
  return { ip: { family: 'IPv6', value: six.value }, leadingZeros: six.leadingZeros, mapped: false };
}

/** Reads an address strictly: no leading zeros, no IPv4-mapped IPv6, no zone. Need not be canonical (upper case passes). */
export function parseIP(text: string): IP | undefined {
  const parsed = parseIPSloppy(text);
  return parsed && !parsed.leadingZeros && !parsed.mapped ? parsed.ip : undefined;
}

function parseIPv4(text: string): { value: bigint; leadingZeros: boolean } | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  let leadingZeros = false;
  for (const part of parts) {
    if (!/^\d+$/.test(part) || Number(part) > 255) return undefined;
    leadingZeros ||= part.length > 1 && part.startsWith('0');
    value = value * 256 + Number(part);
  }
  return { value: BigInt(value), leadingZeros };
}

function parseIPv6(text: string): { value: bigint; leadingZeros: boolean } | undefined {
  let leadingZeros = false;
  let rest = text;
  // An IPv4 tail stands for the last two groups.
  const lastColon = rest.lastIndexOf(':');
  if (rest.includes('.')) {
    const tail = parseIPv4(rest.slice(lastColon + 1));
    if (!tail) return undefined;
    leadingZeros = tail.leadingZeros;
    const groups = [tail.value >> 16n, tail.value & 0xffffn].map((group) => group.toString(16));
    rest = `${rest.slice(0, lastColon + 1)}${groups.join(':')}`;
  }
  const halves = rest.split('::');
  if (halves.length > 2) return undefined;
  const groupsOf = (half: string | undefined): string[] => (half ? half.split(':') : []);
  const head = groupsOf(halves[0]);
  const tail = groupsOf(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return { value: BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`), leadingZeros };
}

/** The canonical text of an address. */
export function formatIP({ family, value }: IP): CanonicalIP {
  return (family === 'IPv4' ? formatIPv4(Number(value)) : formatIPv6(value)) as CanonicalIP;
}

function formatIPv4(value: number): string {
  return `${Math.floor(value / 2 ** 24)}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function formatIPv6(value: bigint): string {
  const hex = value.toString(16).padStart(32, '0');
  const groups = Array.from({ length: 8 }, (_, i) => Number.parseInt(hex.slice(i * 4, i * 4 + 4), 16));
  // The longest run of two or more zero groups, the first of equals, becomes `::`.
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}

/** The canonical form of a text, or undefined where it is no address (sloppily read). */
export function canonicalIP(text: string): CanonicalIP | undefined {
  const parsed = parseIPSloppy(text);
  return parsed && formatIP(parsed.ip);
}

/** The family of a text (an IPv4-mapped address counts as IPv4), or undefined where it is no address. */
export function familyOf(text: string): IPFamily | undefined {
  return parseIPSloppy(text)?.ip.family;
}

export function otherFamily(family: IPFamily): IPFamily {
  return family === 'IPv4' ? 'IPv6' : 'IPv4';
}

/** 32 or 128. */
export function bitsOf(family: IPFamily): number {
  return family === 'IPv4' ? 32 : 128;
}

/** The host of a URL: an IPv6 address without its brackets. */
export function hostnameOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The other way round; the port is NaN where the text has none after its last colon. */
export function splitHostPort(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

function within(ip: IP, family: IPFamily, prefix: bigint, length: number): boolean {
  const shift = BigInt(bitsOf(family) - length);
  return ip.family === family && ip.value >> shift === prefix >> shift;
}

const ipv4 = (a: number, b: number): bigint => (BigInt(a) << 24n) | (BigInt(b) << 16n);

/** `0.0.0.0` or `::`. */
export const isUnspecified = (ip: IP): boolean => ip.value === 0n;
/** 127.0.0.0/8, ::1/128. */
export const isLoopback = (ip: IP): boolean =>
  within(ip, 'IPv4', ipv4(127, 0), 8) || (ip.family === 'IPv6' && ip.value === 1n);
/** 169.254.0.0/16, fe80::/10. */
export const isLinkLocalUnicast = (ip: IP): boolean =>
  within(ip, 'IPv4', ipv4(169, 254), 16) || within(ip, 'IPv6', 0xfe80n << 112n, 10);
/** As Go's IsGlobalUnicast: private ranges are. */
export const isGlobalUnicast = (ip: IP): boolean =>
  !isUnspecified(ip) && !isLoopback(ip) && !isLinkLocalUnicast(ip) && !isMulticast(ip) && !isBroadcast(ip);
const isMulticast = (ip: IP): boolean => within(ip, 'IPv4', ipv4(224, 0), 4) || within(ip, 'IPv6', 0xff00n << 112n, 8);
const isBroadcast = (ip: IP): boolean => ip.family === 'IPv4' && ip.value === 0xffff_ffffn;
/** 224.0.0.0/24, ff02::/16. */
export const isLinkLocalMulticast = (ip: IP): boolean =>
  within(ip, 'IPv4', ipv4(224, 0), 24) || (ip.family === 'IPv6' && ((ip.value >> 112n) & 0xff0fn) === 0xff02n);
