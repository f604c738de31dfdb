// The proxy of an agent, as far as it follows from its cluster: pure.
import type { ProxyMode, ProxySettings } from '../../proxy/settings.ts';
import type { ClusterSettings } from '../cluster-settings.ts';

/**
 * In ipvs mode every node has the addresses of all load balancers on kube-ipvs0, and Linux answers ARP for any address of its
 * own on any link: only strict ARP leaves it to the node that announces the address, which has it on the link itself.
 * (Neighbor discovery of IPv6 is strict by itself.)
 */
export function proxySettings(mode: ProxyMode, { clusterCIDRs, serviceCIDRs }: ClusterSettings): ProxySettings {
  const settings = { mode, clusterCIDRs, serviceCIDRs, nodePortAddresses: [] };
  return mode === 'ipvs' ? { ...settings, ipvs: { strictARP: true } } : settings;
}
