// Addresses and prefixes as the texts that objects and the kernel's tools have: texts come in and go out. What an address is, src/net
// knows.
import { type CIDR, cidrOf, containsCIDR, familyOfCIDR, formatCIDR, parseCIDRSloppy } from '../net/cidr.ts';
import { bitsOf, canonicalIP as canonical, parseIPSloppy } from '../net/ip.ts';

/** The family of an address or of a prefix (`10.0.0.0/8`), or undefined when it is neither. */
export const familyOf = familyOfCIDR;

/** The address as the kernel's tools print it; text that is no IPv6 address comes back as it is. */
export function canonicalIP(text: string): string {
  return text.includes(':') ? (canonical(text) ?? text) : text;
}

/** An address counts as the block of it alone. */
function blockOf(text: string): CIDR | undefined {
  if (text.includes('/')) return parseCIDRSloppy(text)?.cidr;
  const parsed = parseIPSloppy(text);
  return parsed && cidrOf(parsed.ip, bitsOf(parsed.ip.family));
}

/** Whether the text is a prefix such as `10.244.0.0/16`. */
export function isCIDR(text: string): boolean {
  return parseCIDRSloppy(text) !== undefined;
}

/** A prefix in canonical text, without host bits; other text comes back as it is. */
export function canonicalCIDR(text: string): string {
  const parsed = parseCIDRSloppy(text);
  return parsed ? formatCIDR(parsed.cidr) : text;
}

/** Whether prefix `outer` holds the address or prefix `inner`; never across families. */
export function contains(outer: string, inner: string): boolean {
  const a = blockOf(outer);
  const b = blockOf(inner);
  return a !== undefined && b !== undefined && containsCIDR(a, b);
}
