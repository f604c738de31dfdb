import { expect, test } from 'vitest';
import type { Node } from '../api/core/v1/types.generated.ts';
import { cniConfig } from './cni-config.ts';
import { masqueradeRuleset } from './masquerade.ts';
import { routeChanges, routesTo } from './routes.ts';

const node = (name: string, n: number): Node => ({
  metadata: { name },
  spec: { podCIDRs: [`10.244.${n}.0/24`, `fd00:10:244:${n}::/64`] },
  status: {
    addresses: [
      { type: 'Hostname', address: name },
      { type: 'InternalIP', address: `172.30.0.${10 + n}` },
      { type: 'InternalIP', address: `fd00:172:30::${10 + n}` },
    ],
  },
});

test('each other node has a route per family, and its own has none', () => {
  expect(routesTo([node('a', 1), node('b', 2)], 'a')).toEqual([
    { destination: '10.244.2.0/24', gateway: '172.30.0.12' },
    { destination: 'fd00:10:244:2::/64', gateway: 'fd00:172:30::12' },
  ]);
  expect(routesTo([{ metadata: { name: 'c' }, spec: { podCIDRs: ['10.244.3.0/24'] } }], 'a')).toEqual([]);
});

test('only what differs is changed', () => {
  const before = routesTo([node('b', 2), node('c', 3)], 'a');
  const after = routesTo([node('c', 3), node('d', 4)], 'a').map((r) =>
    r.destination === '10.244.3.0/24' ? { ...r, gateway: '172.30.0.99' } : r,
  );
  expect(routeChanges(before, after)).toEqual([
    'route del 10.244.2.0/24 proto 80',
    'route del fd00:10:244:2::/64 proto 80',
    'route replace 10.244.3.0/24 via 172.30.0.99 proto 80',
    'route replace 10.244.4.0/24 via 172.30.0.14 proto 80',
    'route replace fd00:10:244:4::/64 via fd00:172:30::14 proto 80',
  ]);
  expect(routeChanges(after, after)).toEqual([]);
});

test('masquerading spares the cluster and its nodes', () => {
  const text = masqueradeRuleset({
    podCIDRs: ['10.244.1.0/24'],
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
    nodeIPs: ['172.30.0.11', '172.30.0.12', 'fd00::11'],
  });
  expect(text).toContain(`  chain pods-ipv4 {
    ip saddr != { 10.244.1.0/24 } return
    ip daddr { 10.244.0.0/16, 224.0.0.0/4 } return
    ip daddr { 172.30.0.11, 172.30.0.12 } return
    oifname != "cni0" masquerade
  }
  chain pods-ipv6 {
  }`);
});

test('the CNI configuration has a range and a default route per family', () => {
  const config = JSON.parse(cniConfig({ podCIDRs: ['10.244.1.0/24', 'fd00::/64'], mtu: 1400, dataDir: '/x' }));
  expect(config.plugins[0]).toMatchObject({
    mtu: 1400,
    hairpinMode: true,
    ipam: {
      ranges: [[{ subnet: '10.244.1.0/24' }], [{ subnet: 'fd00::/64' }]],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
    },
  });
});
