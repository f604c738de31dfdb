import { BlockList, isIP, isIPv4 } from 'node:net';

// temporary until src/net stands
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}
export function addressBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split('.').map(Number));
  const [head = '', tail] = text.split('::');
  const groups = (t: string) => (t === '' ? [] : t.split(':').map((g) => Number.parseInt(g, 16)));
  const a = groups(head);
  const b = tail === undefined ? [] : groups(tail);
  const all = [...a, ...Array(8 - a.length - b.length).fill(0), ...b];
  return Uint8Array.from(all.flatMap((g: number) => [g >> 8, g & 255]));
}
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const host = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(':');
  return new URL(`http://[${host}]/`).hostname.slice(1, -1);
}
export function canonicalAddress(text: string): string | undefined {
  if (!isAddress(text)) return undefined;
  return formatAddress(addressBytes(text));
}
export function cidrContains(cidr: string, address: string): boolean {
  const [base = '', bits] = cidr.split('/');
  const list = new BlockList();
  const family = base.includes(':') ? 'ipv6' : 'ipv4';
  list.addSubnet(base, Number(bits), family);
  return address.includes(':') === base.includes(':') && list.check(address, family);
}
