// Addresses as record data: 4 bytes (RFC 1035, 3.4.1) or 16 (RFC 3596, 2.2).
import { formatIP, parseIP } from '../../net/ip.ts';

/** The bytes of an address that is known to be one. Throws on any other text. */
export function addressBytes(text: string): Uint8Array {
  const ip = parseIP(text);
  if (!ip) throw new Error(`${text} is no IP address`);
  if (ip.family === 'IPv4') {
    const value = Number(ip.value);
    return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  }
  const bytes = new Uint8Array(16);
  let rest = ip.value;
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The canonical text of 4 or 16 bytes. */
export function formatAddress(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return formatIP({ family: bytes.length === 4 ? 'IPv4' : 'IPv6', value });
}
