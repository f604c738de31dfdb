// IP addresses and CIDRs.

import { quoted } from '../../apimachinery/json/go-text.ts';
import { addressError, blockError } from '../../apimachinery/validation/address-errors.ts';
import { type CIDR, cidrOf, contains, parseCIDRSloppy } from '../../net/cidr.ts';
import {
  formatIP,
  type IP,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isLoopback,
  isUnspecified,
  parseIP,
} from '../../net/ip.ts';
import { CelError } from '../errors.ts';
import { global, member, type Overload } from '../overload.ts';
import { Opaque } from '../values.ts';

function addressValue(ip: IP): Opaque<IP> {
  return new Opaque('net.IP', ip, (a, b) => a.family === b.family && a.value === b.value);
}

function toAddress(text: string): Opaque<IP> {
  const ip = parseIP(text);
  if (ip) return addressValue(ip);
  const wrong = addressError(text);
  if (wrong !== undefined) {
    throw new CelError(`IP Address ${quoted(text)} parse error during conversion from string: ${wrong}`);
  }
  throw new CelError(
    text.includes('%')
      ? `IP address ${quoted(text)} with zone value is not allowed`
      : `IPv4-mapped IPv6 address ${quoted(text)} is not allowed`,
  );
}

/** A block with the address as it was written: host bits stay. */
interface Block {
  readonly ip: IP;
  readonly prefixLength: number;
}

const networkOf = ({ ip, prefixLength }: Block): CIDR => cidrOf(ip, prefixLength);

function blockValue(block: Block): Opaque<Block> {
  const same = (a: Block, b: Block) =>
    a.ip.family === b.ip.family && a.ip.value === b.ip.value && a.prefixLength === b.prefixLength;
  return new Opaque('net.CIDR', block, same);
}

function toBlock(text: string): Opaque<Block> {
  const parsed = parseCIDRSloppy(text);
  if (parsed && !parsed.leadingZeros && !parsed.mapped) {
    return blockValue({ ip: parsed.ip, prefixLength: parsed.cidr.prefixLength });
  }
  const why = parsed?.mapped
    ? `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`
    : `network address parse error during conversion from string: ${blockError(text)}`;
  throw new CelError(`network address parse error during conversion from string: ${why}`);
}

function isGlobalUnicast(ip: IP): boolean {
  if (isUnspecified(ip) || isLoopback(ip) || isLinkLocalUnicast(ip)) return false;
  const isMulticast = ip.family === 'IPv4' ? ip.value >> 28n === 0xen : ip.value >> 120n === 0xffn;
  return !isMulticast && !(ip.family === 'IPv4' && ip.value === 0xffffffffn);
}

function addresses(): Overload[] {
  type A = Opaque<IP>;
  const isCanonical = (text: string) => formatIP(toAddress(text).content) === text;
  const test = (name: string, what: (ip: IP) => boolean) =>
    member(`IP.${name}(): bool`, ({ content }: A) => what(content));
  return [
    global('ip(string): IP', toAddress),
    global('isIP(string): bool', (text: string) => parseIP(text) !== undefined),
    global('ip.isCanonical(string): bool', isCanonical),
    global('string(IP): string', ({ content }: A) => formatIP(content)),
    member('IP.family(): int', ({ content }: A) => (content.family === 'IPv4' ? 4n : 6n)),
    test('isUnspecified', isUnspecified),
    test('isLoopback', isLoopback),
    test('isLinkLocalMulticast', isLinkLocalMulticast),
    test('isLinkLocalUnicast', isLinkLocalUnicast),
    test('isGlobalUnicast', isGlobalUnicast),
  ];
}

/** A text that is asked about: what is wrong with it is not said, other than of a block. */
function askedAbout(text: string): IP {
  try {
    return toAddress(text).content;
  } catch (error) {
    throw error instanceof CelError ? new CelError('no such overload') : error;
  }
}

function blocks(): Overload[] {
  type B = Opaque<Block>;
  const holds = (outer: B, inner: B) =>
    contains(networkOf(outer.content), inner.content.ip) && outer.content.prefixLength <= inner.content.prefixLength;
  return [
    global('cidr(string): CIDR', toBlock),
    global('isCIDR(string): bool', (text: string) => {
      const parsed = parseCIDRSloppy(text);
      return parsed !== undefined && !parsed.leadingZeros && !parsed.mapped;
    }),
    global('string(CIDR): string', ({ content }: B) => `${formatIP(content.ip)}/${content.prefixLength}`),
    member('CIDR.containsIP(string): bool', (a: B, b: string) => contains(networkOf(a.content), askedAbout(b))),
    member('CIDR.containsIP(IP): bool', (a: B, b: Opaque<IP>) => contains(networkOf(a.content), b.content)),
    member('CIDR.containsCIDR(string): bool', (a: B, b: string) => holds(a, toBlock(b))),
    member('CIDR.containsCIDR(CIDR): bool', holds),
    member('CIDR.ip(): IP', ({ content }: B) => addressValue(content.ip)),
    member('CIDR.prefixLength(): int', ({ content }: B) => BigInt(content.prefixLength)),
    member('CIDR.masked(): CIDR', ({ content }: B) => {
      const { family, base } = networkOf(content);
      return blockValue({ ip: { family, value: base }, prefixLength: content.prefixLength });
    }),
  ];
}

export function addressFunctions(): Overload[] {
  return [...addresses(), ...blocks()];
}
