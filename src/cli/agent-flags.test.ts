import { expect, test } from 'vitest';
import { clusterOf, nodeIPsOf, nodeNameOf, serverOf } from './agent-flags.ts';

test('what is said of the network is taken as it is meant', () => {
  expect(clusterOf({})).toEqual({});
  expect(
    clusterOf({
      clusterCidr: '10.244.0.0/16, fd00:10:244::/56',
      serviceClusterIpRange: '10.96.0.0/16',
      clusterDns: '10.96.0.10,FD00:96::a',
      clusterDomain: 'cluster.local.',
    }),
  ).toEqual({
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
    serviceCIDRs: ['10.96.0.0/16'],
    clusterDNS: ['10.96.0.10', 'fd00:96::a'],
    clusterDomain: 'cluster.local',
  });
  expect(nodeIPsOf('192.0.2.1,fd00::1')).toEqual(['192.0.2.1', 'fd00::1']);
  expect(serverOf('https://[fd00::1]:6443')).toBe('https://[fd00::1]:6443');
  expect(nodeNameOf('node-1.example')).toBe('node-1.example');
});

test.each<[() => unknown, string]>([
  [() => clusterOf({ clusterCidr: 'x' }), '--cluster-cidr: "x" is no range of addresses'],
  [() => clusterOf({ serviceClusterIpRange: '10.1.0.0/16,10.2.0.0/16' }), '--service-cluster-ip-range: '],
  [() => clusterOf({ clusterDns: 'foo' }), '--cluster-dns: "foo" is no IP address'],
  [() => clusterOf({ clusterDomain: 'a_b' }), '--cluster-domain'],
  [() => nodeIPsOf('1.2.3.999'), '--node-ip: "1.2.3.999" is no IP address'],
  [() => nodeIPsOf('10.0.0.1,10.0.0.2'), '--node-ip: "10.0.0.1,10.0.0.2" has two addresses of one family'],
  [() => serverOf('https://'), '--server: "https://" is not an https:// address'],
  [() => serverOf('192.0.2.1:6443'), '--server: "192.0.2.1:6443" is not an https:// address'],
  [() => nodeNameOf('UPPER_x'), '--node-name: "UPPER_x": a lowercase RFC 1123 subdomain'],
])('a mistake names its flag (%#)', (read, why) => {
  expect(read).toThrow(why);
});
