import { expect, test } from 'vitest';
import { sysctlsOf } from '../../proxy/ipvs/sysctls.ts';
import { configOf } from '../../proxy/settings.ts';
import { clusterSettings } from '../cluster-settings.ts';
import { proxySettings } from './proxy-settings.ts';

const cluster = clusterSettings({ clusterCIDRs: ['10.50.0.0/16'], serviceClusterIPRanges: ['10.60.0.0/16'] });

test('in ipvs mode a node is strict about ARP, so that one node alone answers for a load balancer', () => {
  const { ipvs, ...settings } = proxySettings('ipvs', cluster);
  expect(settings).toMatchObject({ mode: 'ipvs', clusterCIDRs: ['10.50.0.0/16'], serviceCIDRs: ['10.60.0.0/16'] });
  expect(sysctlsOf(ipvs ?? {}, '6.1.0')).toContain('net.ipv4.conf.all.arp_ignore=1');
  expect(proxySettings('nftables', cluster)).not.toHaveProperty('ipvs');
});

test('only the pods of the node itself are local to its proxy; where nodes get no ranges, nothing is told apart', () => {
  const node = { name: 'node-1', zone: undefined, addresses: ['172.30.0.11'], podCIDRs: ['10.50.1.0/24'] };
  const detector = (clusterCIDRs: readonly string[]) =>
    configOf(proxySettings('nftables', { ...cluster, clusterCIDRs }), 'IPv4', node).localDetector;
  expect(detector(cluster.clusterCIDRs)).toEqual({ kind: 'cidr', cidr: '10.50.1.0/24' });
  expect(detector([])).toBeUndefined();
});
