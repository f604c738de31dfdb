// The proxy of an agent, as far as it follows from its cluster: pure.
import type { ProxyMode, ProxySettings } from '../../proxy/settings.ts';
import type { ClusterSettings } from '../cluster-settings.ts';

type Ranges = Pick<ClusterSettings, 'clusterCIDRs' | 'serviceCIDRs'>;

/**
 * Pods of other nodes come to this one's node ports with their own addresses. Only its own pods may be led from there to any
 * endpoint (`externalTrafficPolicy: Local`): the answer to another node's pod comes back this way from an endpoint here alone.
 *
 * In ipvs mode every node has the addresses of all load balancers on kube-ipvs0, and Linux answers ARP for any address of its
 * own on any link: only strict ARP leaves it to the node that announces the address, which has it on the link itself.
 * (Neighbor discovery of IPv6 is strict by itself.)
 */
export function proxySettings(mode: ProxyMode, { clusterCIDRs, serviceCIDRs }: Ranges): ProxySettings {
  const settings: ProxySettings = {
    mode,
    clusterCIDRs,
    serviceCIDRs,
    nodePortAddresses: [],
    ...(clusterCIDRs.length > 0 && { detectLocal: { mode: 'NodeCIDR' } }),
  };
  return mode === 'ipvs' ? { ...settings, ipvs: { strictARP: true } } : settings;
}
