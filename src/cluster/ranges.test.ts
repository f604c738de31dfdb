import { describe, expect, test } from 'vitest';
import { Failure } from './failure.ts';
import { judgeRanges, readPodRanges, readRanges, serviceRangesFor } from './ranges.ts';

const good = {
  podCIDRs: '10.244.0.0/16,fd00:10:244::/56',
  serviceCIDRs: '10.96.0.0/16,fd00:96::/112',
  nodes: 3,
  nodeSubnets: ['172.30.0.0/24', 'fd00:172:30::/64'],
};

function complaint(judge: () => void): string {
  try {
    judge();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.exitCode).toBe(2);
    return error.message;
  }
  return 'nothing';
}

describe('one flag', () => {
  test.each([
    ['10.0.0.0/33', '"10.0.0.0/33" is no range of addresses, such as 10.96.0.0/16 or fd00:96::/112'],
    ['', '"" is no range of addresses, such as 10.96.0.0/16 or fd00:96::/112'],
    [
      '10.96.0.0/4',
      '"10.96.0.0/4" is no range of addresses, such as 10.96.0.0/16 or fd00:96::/112; the range that holds it is 0.0.0.0/4',
    ],
    [
      '10.1.0.0/16,10.2.0.0/16',
      '"10.1.0.0/16,10.2.0.0/16" is not one range, or an IPv4 and an IPv6 range with a comma',
    ],
    ['127.0.0.0/16', '127.0.0.0/16 has addresses of 127.0.0.0/8, which no network carries'],
    ['224.0.0.0/8', '224.0.0.0/8 has addresses of 224.0.0.0/4, which no network carries'],
    ['10.0.0.0/8,::/0', '::/0 has addresses of ::/127, which no network carries'],
    ['fe80::/64', 'fe80::/64 has addresses of fe80::/10, which no network carries'],
  ])('%s', (text, why) => {
    expect(complaint(() => readRanges('--x', text))).toBe(`--x: ${why}`);
  });

  test('spaces around commas do not matter', () => {
    expect(readRanges('--x', '10.1.0.0/16, fd00::/64').map(({ family }) => family)).toEqual(['IPv4', 'IPv6']);
  });

  test('pods: there is room for the block of each node', () => {
    expect(readPodRanges('10.0.0.0/24,fd00::/64')).toHaveLength(2);
    expect(complaint(() => readPodRanges('10.244.0.0/30'))).toBe(
      '--cluster-cidr: 10.244.0.0/30 has room for 0 nodes, each of which takes a /24',
    );
    expect(complaint(() => readPodRanges('10.244.0.0/16,fd00::/63', 3))).toBe(
      '--cluster-cidr: fd00::/63 has room for 2 nodes, each of which takes a /64',
    );
  });
});

describe('all ranges of a cluster', () => {
  test.each([
    [{}, 'nothing'],
    [{ podCIDRs: 'fd00:10:244::/56', serviceCIDRs: 'fd00:96::/112' }, 'nothing'],
    [{ podCIDRs: '10.244.0.0/16' }, 'nothing'],
    [
      { podCIDRs: 'fd00:10:244::/56' },
      '--service-cluster-ip-range: Services would have IPv4 addresses, and pods (--cluster-cidr fd00:10:244::/56) none',
    ],
    [{ podCIDRs: '10.96.0.0/12' }, '--service-cluster-ip-range: 10.96.0.0/16 overlaps --cluster-cidr 10.96.0.0/12'],
    [{ podCIDRs: '172.30.0.0/16' }, "--cluster-cidr: 172.30.0.0/16 overlaps the nodes' own 172.30.0.0/24"],
    [
      { serviceCIDRs: '172.16.0.0/12' },
      "--service-cluster-ip-range: 172.16.0.0/12 overlaps the nodes' own 172.30.0.0/24",
    ],
    [
      { serviceCIDRs: '10.96.0.0/29' },
      '--service-cluster-ip-range: 10.96.0.0/29 is too small: cluster DNS has the tenth address of it; take a /28 or larger',
    ],
    [
      { serviceCIDRs: '10.96.0.0/16,fd00:96::/32' },
      '--service-cluster-ip-range: fd00:96::/32 is too large: at most a /64 can be used for Services',
    ],
  ])('%o', (change, why) => {
    expect(complaint(() => judgeRanges({ ...good, ...change }))).toBe(why);
  });
});

test('Services that nobody chose a range for are of the families that pods have', () => {
  const { serviceCIDRs } = good;
  expect(serviceRangesFor('10.244.0.0/16', serviceCIDRs)).toBe(serviceCIDRs);
  expect(serviceRangesFor('fd00:10:244::/56', serviceCIDRs)).toBe('fd00:96::/112');
  expect(serviceRangesFor('fd00:10:244::/56,10.244.0.0/16', serviceCIDRs)).toBe('fd00:96::/112,10.96.0.0/16');
});
