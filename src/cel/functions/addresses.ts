// IP addresses, CIDRs and semantic versions.
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
  const quoted = JSON.stringify(text);
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(text))
    throw new CelError(`IPv4-mapped IPv6 address ${quoted} is not allowed`);
  if (text.includes(':') && text.includes('%'))
    throw new CelError(`IP address ${quoted} with zone value is not allowed`);
  const why = `ParseAddr(${quoted}): unable to parse IP`;
  throw new CelError(`IP Address ${quoted} parse error during conversion from string: ${why}`);
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
    : `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`;
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
    member('CIDR.containsIP(string): bool', (a: B, b: string) => contains(networkOf(a.content), toAddress(b).content)),
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

interface Version {
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];
}

const versionShape =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

function parseVersion(text: string): Version | undefined {
  const found = versionShape.exec(text);
  if (!found) return undefined;
  const prerelease = found[4]?.split('.') ?? [];
  if (prerelease.some((part) => /^0\d+$/.test(part))) return undefined;
  return { numbers: found.slice(1, 4).map(BigInt), prerelease };
}

/** Without `v`, with minor and patch, without leading zeros; undefined for a short version with more than numbers. */
function normalizedVersion(text: string): string | undefined {
  const [major = '', minor, ...rest] = text.replace(/^v/, '').split('.');
  const parts = [major, ...(minor === undefined ? [] : [minor]), ...(rest.length > 0 ? [rest.join('.')] : [])];
  if (parts.length < 3 && /[+-]/.test(parts.at(-1)!)) return undefined;
  const trimmed = parts.map((part) =>
    part.length > 1 ? part.replace(/^0+(?=\d)/, '').replace(/^0+(?!\d)/, '0') : part,
  );
  while (trimmed.length < 3) trimmed.push('0');
  return trimmed.join('.');
}

function readVersion(text: string, normalize = false): Version | undefined {
  const normalized = normalize ? normalizedVersion(text) : text;
  return normalized === undefined ? undefined : parseVersion(normalized);
}

function toVersion(text: string, normalize = false): Opaque<Version> {
  const version = readVersion(text, normalize);
  if (!version) throw new CelError(`invalid semantic version ${JSON.stringify(text)}`);
  return new Opaque('kubernetes.Semver', version, (a, b) => compareVersions(a, b) === 0);
}

function compareVersions(a: Version, b: Version): number {
  for (const [i, number] of a.numbers.entries()) {
    if (number !== b.numbers[i]) return number < b.numbers[i]! ? -1 : 1;
  }
  // A version is after its own pre-releases.
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return Math.sign(b.prerelease.length - a.prerelease.length);
  }
  for (let i = 0; i < Math.max(a.prerelease.length, b.prerelease.length); i++) {
    const order = comparePart(a.prerelease[i], b.prerelease[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const areNumbers = [a, b].map((part) => /^\d+$/.test(part));
  if (areNumbers[0] && areNumbers[1]) return Math.sign(Number(BigInt(a) - BigInt(b)));
  if (areNumbers[0] !== areNumbers[1]) return areNumbers[0] ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function versions(): Overload[] {
  type V = Opaque<Version>;
  const part = (name: string, index: number) =>
    member(`Semver.${name}(): int`, ({ content }: V) => content.numbers[index]!);
  return [
    global('semver(string): Semver', (text: string) => toVersion(text)),
    global('semver(string, bool): Semver', toVersion),
    global('isSemver(string): bool', (text: string) => readVersion(text) !== undefined),
    global('isSemver(string, bool): bool', (text: string, n: boolean) => readVersion(text, n) !== undefined),
    part('major', 0),
    part('minor', 1),
    part('patch', 2),
    member('Semver.isGreaterThan(Semver): bool', (a: V, b: V) => compareVersions(a.content, b.content) > 0),
    member('Semver.isLessThan(Semver): bool', (a: V, b: V) => compareVersions(a.content, b.content) < 0),
    member('Semver.compareTo(Semver): int', (a: V, b: V) => BigInt(compareVersions(a.content, b.content))),
  ];
}

export function addressFunctions(): Overload[] {
  return [...addresses(), ...blocks(), ...versions()];
}
