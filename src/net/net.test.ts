import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dealNumber, nodePortBand, serviceIPBand, staticBand, usableServiceIPs } from './allocator.ts';
import {
  addressAt,
  cidrOf,
  contains,
  containsCIDR,
  firstAddress,
  formatCIDR,
  lastAddress,
  overlaps,
  parseCIDR,
  parseCIDRSloppy,
} from './cidr.ts';
import {
  canonicalIP,
  familyOf,
  formatIP,
  type IP,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isLoopback,
  joinHostPort,
  parseIP,
  parseIPSloppy,
  splitHostPort,
} from './ip.ts';

const ipv4 = fc.bigInt(0n, 2n ** 32n - 1n).map((value): IP => ({ family: 'IPv4', value }));
// The IPv4-mapped block is read back as IPv4, by design.
const ipv6 = fc
  .bigInt(0n, 2n ** 128n - 1n)
  .filter((value) => value >> 32n !== 0xffffn)
  .map((value): IP => ({ family: 'IPv6', value }));
const anyIP = fc.oneof(ipv4, ipv6);

test('formatting and parsing are inverse', () => {
  fc.assert(
    fc.property(anyIP, (ip) => {
      expect(parseIP(formatIP(ip))).toEqual(ip);
    }),
  );
});

test('a canonical text is its own canonical form', () => {
  fc.assert(
    fc.property(anyIP, (ip) => {
      expect(canonicalIP(formatIP(ip))).toBe(formatIP(ip));
    }),
  );
});

test.each([
  ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['fe80::1.2.3.4', 'fe80::102:304'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['010.000.0.001', '10.0.0.1'],
])('RFC 5952: %s is written %s', (text, canonical) => expect(canonicalIP(text)).toBe(canonical));

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '1.2.3.-4',
  '10.96.0.300',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '12345::',
  'fe80::1%eth0',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8:9',
  'a.b.c.d',
  '::1.2.3',
])('%j is no address', (text) => expect(parseIPSloppy(text)).toBeUndefined());

test('strictness: leading zeros and IPv4-mapped addresses are told apart', () => {
  expect(parseIPSloppy('10.0.0.010')).toMatchObject({ leadingZeros: true, mapped: false });
  expect(parseIPSloppy('::ffff:1.2.3.4')).toMatchObject({ leadingZeros: false, mapped: true });
  expect(parseIP('10.0.0.010')).toBeUndefined();
  expect(parseIP('::ffff:1.2.3.4')).toBeUndefined();
  expect(parseIP('2001:DB8::1')).toBeDefined();
  expect(familyOf('::ffff:1.2.3.4')).toBe('IPv4');
});

test('special ranges', () => {
  const is = (rule: (ip: IP) => boolean, text: string) => rule(parseIP(text)!);
  expect(['127.0.0.1', '127.255.0.1', '::1'].every((t) => is(isLoopback, t))).toBe(true);
  expect(is(isLoopback, '128.0.0.1')).toBe(false);
  expect(['169.254.1.1', 'fe80::1', 'febf::1'].every((t) => is(isLinkLocalUnicast, t))).toBe(true);
  expect(is(isLinkLocalUnicast, 'fec0::1')).toBe(false);
  expect(['224.0.0.5', 'ff02::1', 'ff12::1'].every((t) => is(isLinkLocalMulticast, t))).toBe(true);
  expect(['224.0.1.5', 'ff05::1'].some((t) => is(isLinkLocalMulticast, t))).toBe(false);
});

test('joinHostPort brackets IPv6, splitHostPort takes the brackets away', () => {
  expect(joinHostPort('10.0.0.1', 80)).toBe('10.0.0.1:80');
  expect(joinHostPort('fd00::1', 80)).toBe('[fd00::1]:80');
  for (const host of ['10.0.0.1', 'fd00::1', 'localhost']) {
    expect(splitHostPort(joinHostPort(host, 80))).toEqual({ host, port: 80 });
  }
  expect(splitHostPort('localhost').port).toBeNaN();
});

const anyCIDR = anyIP.chain((ip) =>
  fc.integer({ min: 0, max: ip.family === 'IPv4' ? 32 : 128 }).map((n) => cidrOf(ip, n)),
);

test('a block holds its first and last address and nothing beyond', () => {
  fc.assert(
    fc.property(anyCIDR, (cidr) => {
      const [first, last] = [firstAddress(cidr), lastAddress(cidr)];
      expect(contains(cidr, first) && contains(cidr, last)).toBe(true);
      expect(contains(cidr, { ...first, value: first.value - 1n })).toBe(false);
      expect(contains(cidr, { ...last, value: last.value + 1n })).toBe(false);
      expect(cidrOf(last, cidr.prefixLength)).toEqual(cidr);
    }),
  );
});

test('blocks overlap exactly where one holds the other', () => {
  fc.assert(
    fc.property(anyCIDR, anyCIDR, (a, b) => {
      const share =
        a.family === b.family &&
        firstAddress(a).value <= lastAddress(b).value &&
        firstAddress(b).value <= lastAddress(a).value;
      expect(overlaps(a, b)).toBe(share);
      expect(containsCIDR(a, b)).toBe(contains(a, firstAddress(b)) && contains(a, lastAddress(b)));
    }),
  );
});

test('blocks: text and strictness', () => {
  expect(formatCIDR(parseCIDR('10.96.0.0/16')!)).toBe('10.96.0.0/16');
  expect(formatCIDR(parseCIDRSloppy('10.96.3.4/16')!.cidr)).toBe('10.96.0.0/16');
  expect(parseCIDR('10.96.3.4/16')).toBeUndefined();
  expect(parseCIDR('10.96.0.0/016')).toBeUndefined();
  expect(formatCIDR(parseCIDR('fd00:96::/112')!)).toBe('fd00:96::/112');
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', 'x/8', '::/129']) {
    expect(parseCIDRSloppy(bad)).toBeUndefined();
  }
});

test.each([
  ['10.0.0.0/24', 254n, 15n],
  ['10.0.0.0/16', 65534n, 256n],
  ['10.0.0.0/12', 1048574n, 256n],
  ['10.0.0.0/28', 14n, 0n],
  ['10.0.0.0/30', 2n, 0n],
  ['10.0.0.0/32', 0n, 0n],
  ['fd00::/112', 65535n, 256n],
])('%s has %d usable addresses', (text, count) => {
  expect(usableServiceIPs(parseCIDR(text)!).count).toBe(count);
});

test('the static band', () => {
  expect(staticBand(16n, serviceIPBand)).toBe(0n);
  expect(staticBand(256n, serviceIPBand)).toBe(16n);
  expect(staticBand(65536n, serviceIPBand)).toBe(256n);
  expect(staticBand(2768n, nodePortBand)).toBe(86n);
  expect(staticBand(100000n, nodePortBand)).toBe(128n);
});

test('dealing gives every free number once, the lower band last', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 20 }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 61, maxLength: 61 }),
      (count, band, throws) => {
        const taken = new Set<bigint>();
        const order: bigint[] = [];
        for (const dice of throws) {
          const index = dealNumber({ count: BigInt(count), band: BigInt(band), dice, isTaken: (i) => taken.has(i) });
          if (index === undefined) break;
          expect(taken.has(index)).toBe(false);
          taken.add(index);
          order.push(index);
        }
        expect(taken.size).toBe(count);
        const firstLow = order.findIndex((i) => i < BigInt(band));
        if (firstLow >= 0) expect(order.slice(firstLow).every((i) => i < BigInt(band))).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});

test('the dice reach both ends of a /64', () => {
  const count = 2n ** 64n - 1n;
  const deal = (dice: number) => dealNumber({ count, band: 256n, dice, isTaken: () => false })!;
  expect(deal(0)).toBe(256n);
  expect(deal(1 - 2 ** -52) > 2n ** 63n).toBe(true);
  expect(addressAt(parseCIDR('fd00::/64')!, deal(0)).value).toBe(parseIP('fd00::100')!.value);
});
