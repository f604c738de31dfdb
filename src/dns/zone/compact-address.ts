// Addresses by the hundred thousand: what most of them are, IPv4, fits into the field that holds it.
import { parseIP } from '../../net/ip.ts';

/** An IPv4 address as a signed number of 32 bits, any other as its text. */
export type CompactAddress = number | string;

export function compactAddress(address: string): CompactAddress {
  const ip = parseIP(address);
  return ip?.family === 'IPv4' ? Number(ip.value) | 0 : address;
}

export function addressText(compact: CompactAddress): string {
  if (typeof compact === 'string') return compact;
  return [compact >>> 24, (compact >>> 16) & 255, (compact >>> 8) & 255, compact & 255].join('.');
}
