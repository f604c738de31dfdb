import { expect, test } from 'vitest';
import { zoneOf } from './dns-flags.ts';

const flags = { domain: 'cluster.local', clusterCidr: '10.244.0.0/16', serviceClusterIpRange: '10.96.0.0/16' };

test('a domain is meant without regard to its case and dots, and there may be many ranges, or none', () => {
  expect(zoneOf({ ...flags, domain: 'Cluster.Local.', clusterCidr: '10.1.0.0/16, 10.2.0.0/16' })).toEqual({
    domain: 'cluster.local',
    clusterCIDRs: ['10.1.0.0/16', '10.2.0.0/16', '10.96.0.0/16'],
  });
  expect(zoneOf({ ...flags, clusterCidr: '' }).clusterCIDRs).toEqual(['10.96.0.0/16']);
});

test.each([
  [{ domain: 'a b' }, '--domain a b: '],
  [{ clusterCidr: 'x' }, '--cluster-cidr: "x" is no range of addresses'],
  [{ serviceClusterIpRange: '10.96.0.0/33' }, '--service-cluster-ip-range: "10.96.0.0/33" is no range of addresses'],
])('%j is refused', (change, message) => {
  expect(() => zoneOf({ ...flags, ...change })).toThrow(message);
});
