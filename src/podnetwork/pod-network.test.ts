import { describe, expect, test } from 'vitest';
import type { Node } from '../api/core/v1/types.generated.ts';
import { cniConfig, rangesOfConfig } from './cni-config.ts';
import { bridgeChanges, linkAddresses, uplinkOf } from './links.ts';
import { masqueradeRuleset } from './masquerade.ts';
import { type NetworkView, planNetwork, routeChanges } from './routes.ts';
import { entryChanges, linkChanges, macOf, overhead, vtepAnnotation, vtepOf, vtepText } from './vxlan.ts';

/** The node number n of a segment; it has a tunnel end where a prefix length is given. */
function node(
  name: string,
  n: number,
  { segment = 0, prefixLength }: { segment?: number; prefixLength?: number } = {},
) {
  const address = `172.30.${segment}.${10 + n}`;
  const annotations =
    prefixLength === undefined
      ? undefined
      : { [vtepAnnotation]: vtepText({ address, prefixLength, mac: macOf(name) }) };
  const made: Node = {
    metadata: { name, ...(annotations && { annotations }) },
    spec: { podCIDRs: [`10.244.${n}.0/24`, `fd00:10:244:${n}::/64`] },
    status: {
      addresses: [
        { type: 'Hostname', address: name },
        { type: 'InternalIP', address },
        { type: 'InternalIP', address: `fd00:172:30:${segment}::${10 + n}` },
      ],
    },
  };
  return made;
}

const links = [
  { address: '172.30.0.11', prefixLength: 24 },
  { address: 'fd00:172:30:0::11', prefixLength: 64 },
];
const vtep = { address: '172.30.0.11', prefixLength: 24, mac: macOf('a') };

function plan(nodes: readonly Node[], more: Partial<NetworkView> = {}) {
  return planNetwork({
    nodes: [node('a', 1, { prefixLength: 24 }), ...nodes],
    own: 'a',
    mode: 'auto',
    links,
    vtep,
    ...more,
  });
}

const routesTo = (...nodes: readonly Node[]) => plan(nodes, { mode: 'routes' }).routes;

describe('the way to the pods of another node', () => {
  test('a route per family over a link that both share', () => {
    const routes = [
      { destination: '10.244.2.0/24', gateway: '172.30.0.12' },
      { destination: 'fd00:10:244:2::/64', gateway: 'fd00:172:30:0::12' },
    ];
    expect(plan([node('b', 2, { prefixLength: 24 })])).toMatchObject({ routes, peers: [] });
    expect(plan([node('b', 2)])).toMatchObject({ routes, peers: [] });
    expect(plan([{ metadata: { name: 'c' }, spec: { podCIDRs: ['10.244.3.0/24'] } }]).routes).toEqual([]);
  });

  test('the tunnel to another segment, once the other end is known', () => {
    const far = node('c', 3, { segment: 7, prefixLength: 24 });
    expect(plan([far])).toEqual({
      routes: [
        { destination: '10.244.3.0/24', gateway: '10.244.3.0', device: 'portico.vxlan' },
        { destination: 'fd00:10:244:3::/64', gateway: 'fd00:10:244:3::', device: 'portico.vxlan' },
      ],
      peers: [{ mac: macOf('c'), address: '172.30.7.13', gateways: ['10.244.3.0', 'fd00:10:244:3::'] }],
      // A node of another segment has no way back to a pod but the tunnel, which is not for its own address.
      nodeIPs: ['172.30.0.11', 'fd00:172:30:0::11'],
    });
    expect(plan([node('c', 3, { segment: 7 })])).toMatchObject({ routes: [], peers: [] });
    expect(plan([far], { vtep: undefined })).toMatchObject({ routes: [], peers: [] });
  });

  test('both ends see the same: one that takes the other for remote makes both use the tunnel', () => {
    const narrow = node('b', 2, { prefixLength: 32 });
    expect(plan([narrow]).peers).toHaveLength(1);
    expect(plan([narrow]).routes[0]).toMatchObject({ device: 'portico.vxlan' });
  });

  test('what the flag forces', () => {
    const near = node('b', 2, { prefixLength: 24 });
    const far = node('c', 3, { segment: 7, prefixLength: 24 });
    expect(plan([near, far], { mode: 'vxlan' }).peers).toHaveLength(2);
    const forced = plan([near, far], { mode: 'routes' });
    expect(forced.peers).toEqual([]);
    expect(forced.routes.map((r) => r.gateway)).toEqual([
      '172.30.0.12',
      'fd00:172:30:0::12',
      '172.30.7.13',
      'fd00:172:30:7::13',
    ]);
  });
});

test('only what differs is changed', () => {
  const before = routesTo(node('b', 2), node('c', 3));
  const after = routesTo(node('c', 3), node('d', 4)).map((r) =>
    r.destination === '10.244.3.0/24' ? { ...r, gateway: '172.30.0.99' } : r,
  );
  expect(routeChanges(before, after)).toEqual([
    'route del 10.244.2.0/24 proto 80',
    'route del fd00:10:244:2::/64 proto 80',
    'route replace 10.244.3.0/24 via 172.30.0.99 proto 80',
    'route replace 10.244.4.0/24 via 172.30.0.14 proto 80',
    'route replace fd00:10:244:4::/64 via fd00:172:30:0::14 proto 80',
  ]);
  expect(routeChanges(after, after)).toEqual([]);
  expect(routeChanges([], [{ destination: '10.244.3.0/24', gateway: '10.244.3.0', device: 'portico.vxlan' }])).toEqual([
    'route replace 10.244.3.0/24 via 10.244.3.0 dev portico.vxlan onlink proto 80',
  ]);
});

describe('the tunnel', () => {
  test('ends are read from annotations, and what is none is none', () => {
    const of = (text: string) => vtepOf({ metadata: { name: 'x', annotations: { [vtepAnnotation]: text } }, spec: {} });
    expect(of('{"address":"172.30.0.11/24","mac":"02:aa:bb:cc:dd:ee"}')).toEqual({
      address: '172.30.0.11',
      prefixLength: 24,
      mac: '02:aa:bb:cc:dd:ee',
    });
    for (const wrong of [
      '',
      'null',
      '7',
      '{',
      '{"address":"172.30.0.11/24"}',
      '{"address":"x/24","mac":"02:aa:bb:cc:dd:ee"}',
    ]) {
      expect(of(wrong)).toBeUndefined();
    }
    expect(of('{"address":"172.30.0.11/24","mac":"up; link del eth0"}')).toBeUndefined();
  });

  test('each node has a MAC of its own, which may be used', () => {
    expect(macOf('a')).not.toBe(macOf('b'));
    for (const name of ['a', 'b', 'c', 'd']) expect(Number.parseInt(macOf(name).slice(0, 2), 16) & 3).toBe(2);
    expect([overhead('IPv4'), overhead('IPv6')]).toEqual([50, 70]);
  });

  test('the device is made once, follows the MTU, and is made again for another address', () => {
    const link = { mac: '02:00:00:00:00:01', mtu: 1450, local: '172.30.0.11', addresses: ['10.244.1.0', 'fd00::'] };
    expect(linkChanges(undefined, link)).toEqual([
      'link add portico.vxlan address 02:00:00:00:00:01 mtu 1450 type vxlan id 80 local 172.30.0.11 dstport 4789 nolearning',
      'link set portico.vxlan addrgenmode none',
      'link set portico.vxlan up',
      'addr add 10.244.1.0/32 dev portico.vxlan',
      'addr add fd00::/128 nodad dev portico.vxlan',
    ]);
    expect(linkChanges(link, link)).toEqual([]);
    expect(linkChanges(link, { ...link, mtu: 1400, addresses: ['10.244.9.0'] })).toEqual([
      'link set portico.vxlan mtu 1400',
      'addr del 10.244.1.0/32 dev portico.vxlan',
      'addr del fd00::/128 dev portico.vxlan',
      'addr add 10.244.9.0/32 dev portico.vxlan',
    ]);
    expect(linkChanges(link, { ...link, local: '172.30.0.99' })[0]).toBe('link del portico.vxlan');
  });

  test('entries of nodes that went go, and those of nodes that moved move', () => {
    const current = {
      forwarding: new Map([
        ['m1', '1.1.1.1'],
        ['m2', '2.2.2.2'],
      ]),
      neighbours: new Map([['10.0.1.0', 'm1']]),
    };
    const desired = { forwarding: new Map([['m2', '3.3.3.3']]), neighbours: new Map([['10.0.2.0', 'm2']]) };
    expect(entryChanges(current, desired)).toEqual({
      bridge: ['fdb del m1 dev portico.vxlan dst 1.1.1.1', 'fdb replace m2 dev portico.vxlan dst 3.3.3.3'],
      ip: ['neigh del 10.0.1.0 dev portico.vxlan', 'neigh replace 10.0.2.0 lladdr m2 dev portico.vxlan nud permanent'],
    });
    expect(entryChanges(desired, desired)).toEqual({ bridge: [], ip: [] });
  });
});

test('the uplink is the link of the node, and the pods’ own links are none', () => {
  const listed = [
    { ifname: 'lo', mtu: 65536, addr_info: [{ local: '127.0.0.1', prefixlen: 8 }] },
    { ifname: 'cni0', mtu: 1450, addr_info: [{ local: '10.244.1.1', prefixlen: 24 }] },
    {
      ifname: 'eth0',
      mtu: 9000,
      addr_info: [
        { local: '172.30.0.11', prefixlen: 24 },
        { local: 'fe80::1', prefixlen: 64, scope: 'link' },
      ],
    },
  ];
  expect(uplinkOf(listed, ['10.9.9.9', '172.30.0.11'])).toEqual({
    address: '172.30.0.11',
    prefixLength: 24,
    mtu: 9000,
  });
  expect(uplinkOf(listed, ['10.9.9.9'])).toBeUndefined();
  expect(linkAddresses(listed)).toHaveLength(1);
});

test('the bridge of the pods is up, with the gateways of the node’s ranges and of no other', () => {
  const gateways = [
    { local: '10.244.1.1', prefixlen: 24, scope: 'global' },
    { local: 'fd00:10:244:1::1', prefixlen: 64, scope: 'global' },
    { local: 'fe80::1', prefixlen: 64, scope: 'link' },
  ];
  const uplink = { ifname: 'eth0', mtu: 1500, addr_info: [{ local: '172.30.0.11', prefixlen: 24, scope: 'global' }] };
  const changes = (podCIDRs: string[], flags = ['UP'], addr_info = gateways) =>
    bridgeChanges([uplink, { ifname: 'cni0', mtu: 1500, flags, addr_info }], podCIDRs);
  const own = ['10.244.1.0/24', 'fd00:10:244:1::/64'];
  expect(changes(own)).toEqual([]);
  expect(changes([])).toEqual([]);
  expect(bridgeChanges([uplink], own)).toEqual([]);
  expect(changes(own, ['BROADCAST'], [])).toEqual([
    'link set cni0 up',
    'addr replace 10.244.1.1/24 dev cni0 broadcast +',
    'addr replace fd00:10:244:1::1/64 dev cni0 nodad',
  ]);
  expect(changes(['10.244.2.0/24'])).toEqual([
    'addr del 10.244.1.1/24 dev cni0',
    'addr del fd00:10:244:1::1/64 dev cni0',
    'addr replace 10.244.2.1/24 dev cni0 broadcast +',
  ]);
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
  const podCIDRs = ['10.244.1.0/24', 'fd00::/64'];
  const text = cniConfig({ podCIDRs, mtu: 1400, dataDir: '/x' });
  expect(JSON.parse(text).plugins[0]).toMatchObject({
    mtu: 1400,
    hairpinMode: true,
    ipam: {
      ranges: [[{ subnet: '10.244.1.0/24' }], [{ subnet: 'fd00::/64' }]],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
    },
  });
  expect(rangesOfConfig(text)).toEqual(podCIDRs);
  expect(rangesOfConfig(text.slice(0, -9))).toEqual([]);
  expect(rangesOfConfig('{"type":"ptp"}')).toEqual([]);
});
