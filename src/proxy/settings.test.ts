import { describe, expect, test } from 'vitest';
import { nodeA, settings } from './fixtures/objects.ts';
import { proxyNodeOf } from './node.ts';
import { answersHealthChecks, configOf, needsInterfaceAddresses, type ProxySettings } from './settings.ts';

const present = ['127.0.0.1', '10.0.0.5', '172.18.0.2'];
const of = (more: Partial<ProxySettings>, family: 'IPv4' | 'IPv6' = 'IPv4') =>
  configOf({ ...settings, ...more }, family, { ...nodeA, podCIDRs: ['10.244.3.0/24'] }, present);

describe('what tells pods apart', () => {
  test.each<[Partial<ProxySettings>, unknown]>([
    [{}, { kind: 'cidr', cidr: '10.244.0.0/16' }],
    [{ clusterCIDRs: ['fd00::/48'] }, undefined],
    [{ detectLocal: { mode: 'NodeCIDR' } }, { kind: 'cidr', cidr: '10.244.3.0/24' }],
    [{ detectLocal: { mode: 'BridgeInterface', bridge: 'cni0' } }, { kind: 'interface', name: 'cni0' }],
    [{ detectLocal: { mode: 'InterfaceNamePrefix', prefix: 'veth' } }, { kind: 'interface-prefix', prefix: 'veth' }],
  ])('%j', (more, detector) => {
    expect(of(more).localDetector).toEqual(detector);
  });
});

describe('which addresses accept node ports', () => {
  test.each<[Partial<ProxySettings>, unknown, boolean]>([
    [{ mode: 'nftables' }, ['172.18.0.2'], false],
    [{ mode: 'iptables' }, 'all', true],
    [{ mode: 'iptables', localhostNodePorts: false }, 'all', false],
    [{ mode: 'iptables', nodePortAddresses: ['primary'] }, ['172.18.0.2'], false],
    [{ mode: 'iptables', nodePortAddresses: ['10.0.0.0/8'] }, ['10.0.0.5'], false],
    [{ mode: 'iptables', nodePortAddresses: ['10.0.0.0/8', '127.0.0.0/8'] }, ['127.0.0.1', '10.0.0.5'], true],
    [{ mode: 'iptables', nodePortAddresses: ['127.0.2.0/28'] }, [], true],
    [{ mode: 'iptables', nodePortAddresses: ['64.0.0.0/2'] }, ['127.0.0.1'], true],
    [{ mode: 'iptables', nodePortAddresses: ['128.0.2.0/28', '::1/128'] }, [], false],
    [{ mode: 'nftables', nodePortAddresses: ['0.0.0.0/0'] }, 'all', true],
    [{ mode: 'nftables', nodePortAddresses: ['fd00::/8'] }, 'all', true],
  ])('%j: %j, and 127.0.0.1: %s', (more, addresses, localhost) => {
    expect(of(more)).toMatchObject({ nodePortAddresses: addresses, localhostNodePorts: localhost });
  });

  test('interfaces are asked for only where there are prefixes', () => {
    expect(needsInterfaceAddresses(settings)).toBe(false);
    expect(needsInterfaceAddresses({ ...settings, nodePortAddresses: ['primary'] })).toBe(false);
    expect(needsInterfaceAddresses({ ...settings, nodePortAddresses: ['10.0.0.0/8'] })).toBe(true);
  });

  test.each<[readonly string[], readonly string[], readonly string[]]>([
    [[], ['172.18.0.2', '::ffff:127.0.0.1', 'fd00::9'], []],
    [['primary'], ['172.18.0.2', '::ffff:172.18.0.2', 'fd00::2'], ['172.18.0.3', '127.0.0.1', 'fd00::9']],
    [['127.0.0.0/8'], ['::ffff:127.0.0.1', 'fd00::9'], ['172.18.0.2']],
    [
      ['172.18.0.0/16', 'fe80::/10'],
      ['172.18.0.3', 'fe80::1%eth0'],
      ['127.0.0.1', 'fd00::2'],
    ],
    [['0.0.0.0/0'], ['127.0.0.1', '172.18.0.2', '::1'], []],
  ])('health checks with %j: on %j, not on %j', (nodePortAddresses, open, closed) => {
    const status = {
      addresses: ['172.18.0.2', 'fd00::2', '172.18.0.3'].map((address) => ({ type: 'InternalIP', address })),
    };
    const node = { metadata: { name: 'node-a' }, spec: {}, status };
    const answers = (address: string) => answersHealthChecks({ ...settings, nodePortAddresses }, address, node);
    expect(open.filter(answers)).toEqual(open);
    expect(closed.filter(answers)).toEqual([]);
  });

  test('127.0.0.1 is never translated for IPv6', () => {
    expect(of({ mode: 'iptables' }, 'IPv6').localhostNodePorts).toBe(false);
  });
});

describe('the addresses of a node', () => {
  const addresses = [
    { type: 'Hostname', address: 'node-a' },
    { type: 'ExternalIP', address: '203.0.113.1' },
    { type: 'InternalIP', address: '172.18.0.2' },
    { type: 'InternalIP', address: 'FD00::2' },
    { type: 'InternalIP', address: '172.18.0.3' },
  ];
  const node = { metadata: { name: 'node-a' }, spec: {}, status: { addresses } };
  const externalOnly = { ...node, status: { addresses: addresses.slice(0, 2) } };

  test.each([
    ['internal ones, in their order', node, { family: 'IPv4', bindAddress: undefined }, ['172.18.0.2', '172.18.0.3']],
    ['of the family, in canonical form', node, { family: 'IPv6', bindAddress: undefined }, ['fd00::2']],
    [
      'external ones where there are no others',
      externalOnly,
      { family: 'IPv4', bindAddress: undefined },
      ['203.0.113.1'],
    ],
    ['the bind address first', node, { family: 'IPv4', bindAddress: '172.18.0.3' }, ['172.18.0.3', '172.18.0.2']],
    ['but not of the other family', node, { family: 'IPv6', bindAddress: '172.18.0.3' }, ['fd00::2']],
    ['nor one that says nothing', node, { family: 'IPv4', bindAddress: '0.0.0.0' }, ['172.18.0.2', '172.18.0.3']],
  ] as const)('%s', (_, object, { family, bindAddress }, expected) => {
    expect(proxyNodeOf(object, family, { bindAddress }).addresses).toEqual(expected);
  });
});
