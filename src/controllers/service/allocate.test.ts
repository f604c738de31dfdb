import { expect, test } from 'vitest';
import { countOf, parseRange, parseRanges } from './addresses.ts';
import { type AddressRequest, allocate, type Pool, poolOf } from './allocate.ts';

const pool = (name: string, addresses: string[], autoAssign = true): Pool =>
  poolOf({ metadata: { name }, spec: { addresses, autoAssign } });

const anyIPv4: AddressRequest = { families: ['IPv4'], requiresAll: true, requested: [], pool: undefined, present: [] };
const both: AddressRequest = { ...anyIPv4, families: ['IPv4', 'IPv6'] };
const nobody = () => undefined;
const taken =
  (...ips: string[]) =>
  (ip: string) =>
    ips.includes(ip) ? 'default/other' : undefined;

test.each([
  ['192.0.2.0/30', 2n],
  ['192.0.2.0/31', 2n],
  ['192.0.2.4/32', 1n],
  ['192.0.2.4', 1n],
  ['192.0.2.4-192.0.2.9', 6n],
  ['fd00::/112', 65_535n],
  ['fd00::/127', 2n],
] as const)('%s has %d addresses', (entry, count) => {
  const range = parseRange(entry);
  expect(range && countOf([range])).toBe(count);
});

test.each(['192.0.2.1/24', '192.0.2.9-192.0.2.4', '192.0.2.1-fd00::1', '1.2.3', 'fd00::-', ''])(
  '%j is none',
  (entry) => {
    expect(parseRange(entry)).toBeUndefined();
  },
);

test('what overlaps is counted once, what is none is named', () => {
  const { ranges, wrong } = parseRanges(['192.0.2.8-192.0.2.12', '192.0.2.0/29', '192.0.2.6-192.0.2.9', 'nonsense']);
  expect(countOf(ranges)).toBe(12n);
  expect(wrong).toEqual(['nonsense']);
});

test.each<[string, AddressRequest, Pool[], (ip: string) => string | undefined, readonly string[]]>([
  ['the first free one', anyIPv4, [pool('a', ['192.0.2.0/29'])], taken('192.0.2.1'), ['192.0.2.2']],
  [
    'pools in their order',
    anyIPv4,
    [pool('a', ['192.0.2.1']), pool('b', ['192.0.2.9'])],
    taken('192.0.2.1'),
    ['192.0.2.9'],
  ],
  [
    'never of a pool that is not for all',
    anyIPv4,
    [pool('a', ['192.0.2.1'], false), pool('b', ['192.0.2.9'])],
    nobody,
    ['192.0.2.9'],
  ],
  [
    'of that pool when named',
    { ...anyIPv4, pool: 'a' },
    [pool('a', ['192.0.2.1'], false), pool('b', ['192.0.2.9'])],
    nobody,
    ['192.0.2.1'],
  ],
  [
    'one per family, in their order',
    { ...both, families: ['IPv6', 'IPv4'] },
    [pool('a', ['192.0.2.1', 'fd00::5'])],
    nobody,
    ['fd00::5', '192.0.2.1'],
  ],
  ['what it has', { ...anyIPv4, present: ['192.0.2.4'] }, [pool('a', ['192.0.2.0/29'])], nobody, ['192.0.2.4']],
  [
    'what it has, though the pool has shrunk',
    { ...anyIPv4, present: ['192.0.2.4'] },
    [pool('a', ['192.0.2.1'])],
    nobody,
    ['192.0.2.4'],
  ],
  [
    'another, where what it has is of another pool',
    { ...anyIPv4, present: ['192.0.2.4'], pool: 'b' },
    [pool('a', ['192.0.2.4']), pool('b', ['192.0.2.9'])],
    nobody,
    ['192.0.2.9'],
  ],
  [
    'another, where what it has is another Service’s',
    { ...anyIPv4, present: ['192.0.2.4'] },
    [pool('a', ['192.0.2.4-192.0.2.5'])],
    taken('192.0.2.4'),
    ['192.0.2.5'],
  ],
  [
    'the requested one, also of a pool that is not for all',
    { ...anyIPv4, requested: ['192.0.2.4'], present: ['192.0.2.2'] },
    [pool('a', ['192.0.2.0/29'], false)],
    nobody,
    ['192.0.2.4'],
  ],
  [
    'IPv4 alone where both are only preferred',
    { ...both, requiresAll: false },
    [pool('a', ['192.0.2.1'])],
    nobody,
    ['192.0.2.1'],
  ],
])('gives %s', (...[, request, pools, ownerOf, ips]) => {
  expect(allocate(request, pools, ownerOf)).toEqual({ kind: 'allocated', ips });
});

test.each<[string, AddressRequest, Pool[]]>([
  ['no free IPv4 address in LoadBalancerPool "a"', anyIPv4, [pool('a', ['192.0.2.1'])]],
  ['no free IPv6 address in LoadBalancerPool "a"', both, [pool('a', ['192.0.2.2'])]],
  ['no free IPv4 address in a LoadBalancerPool with autoAssign', anyIPv4, [pool('a', ['192.0.2.2'], false)]],
  ['there is no LoadBalancerPool "b"', { ...anyIPv4, pool: 'b' }, [pool('a', ['192.0.2.2'])]],
  [
    'the requested address 192.0.2.1 is that of Service default/other',
    { ...anyIPv4, requested: ['192.0.2.1'] },
    [pool('a', ['192.0.2.1'])],
  ],
  [
    'the requested address 198.51.100.1 is in no LoadBalancerPool that the Service may use',
    { ...anyIPv4, requested: ['198.51.100.1'] },
    [pool('a', ['192.0.2.2'])],
  ],
  [
    'the requested address fd00::1 is of family IPv6, which the Service does not have',
    { ...anyIPv4, requested: ['fd00::1'] },
    [pool('a', ['fd00::1'])],
  ],
  ['the requested address "web" is none', { ...anyIPv4, requested: ['web'] }, [pool('a', ['192.0.2.2'])]],
])('refuses: %s', (message, request, pools) => {
  expect(allocate(request, pools, taken('192.0.2.1'))).toEqual({ kind: 'failed', message });
});
