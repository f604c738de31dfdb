// What a configuration means for the proxier, and what an operator should be told of it.
import { defaultScheduler } from '../ipvs/settings.ts';
import { type DetectLocal, listOf, type ProxySettings, proxyModes } from '../settings.ts';
import { ipvsDeprecation } from '../start-events.ts';
import type { KubeProxyConfiguration } from './fields.ts';
import { type LocalMode, localModes, syncPeriods } from './validate.ts';

const defaultMode = 'nftables';

function detectLocalOf(configuration: KubeProxyConfiguration): DetectLocal {
  const mode: LocalMode = localModes.find((known) => known === configuration.detectLocalMode) ?? 'ClusterCIDR';
  if (mode === 'BridgeInterface') return { mode, bridge: configuration['detectLocal.bridgeInterface'] };
  if (mode === 'InterfaceNamePrefix') return { mode, prefix: configuration['detectLocal.interfaceNamePrefix'] };
  return { mode };
}

/**
 * The settings of a valid configuration. `serviceCIDRs` is what kube-proxy has no flag for: the ranges of cluster IPs.
 */
export function settingsOf(configuration: KubeProxyConfiguration, serviceCIDRs: readonly string[] = []): ProxySettings {
  const mode = proxyModes.find((known) => known === configuration.mode) ?? defaultMode;
  const { sync, min } = syncPeriods(configuration);
  const masquerade = mode === 'nftables' ? 'nftables' : 'iptables';
  return {
    mode,
    clusterCIDRs: listOf(configuration.clusterCIDR),
    serviceCIDRs,
    nodePortAddresses: configuration.nodePortAddresses,
    masqueradeAll: configuration[`${masquerade}.masqueradeAll`],
    masqueradeBit: configuration[`${masquerade}.masqueradeBit`],
    detectLocal: detectLocalOf(configuration),
    ignoreExternalIPs: configuration.featureGates.AllowServiceExternalIPs === false,
    localhostNodePorts: configuration['iptables.localhostNodePorts'],
    bindAddress: configuration.bindAddress,
    syncPeriod: sync,
    minSyncPeriod: min,
    ipvs: {
      scheduler: configuration['ipvs.scheduler'] || defaultScheduler,
      strictARP: configuration['ipvs.strictARP'],
      excludeCIDRs: configuration['ipvs.excludeCIDRs'],
      tcpTimeout: configuration['ipvs.tcpTimeout'],
      tcpFinTimeout: configuration['ipvs.tcpFinTimeout'],
      udpTimeout: configuration['ipvs.udpTimeout'],
    },
  };
}

/** What works, but may not be what was meant; a line each. */
export function warningsOf(configuration: KubeProxyConfiguration): string[] {
  const { mode, detectLocal, clusterCIDRs, nodePortAddresses } = settingsOf(configuration);
  const warnings: string[] = [];
  if (mode === 'ipvs') warnings.push(ipvsDeprecation);
  if (detectLocal?.mode === 'ClusterCIDR' && clusterCIDRs.length === 0) {
    warnings.push(
      'detect-local-mode is ClusterCIDR, but there is no cluster CIDR: traffic is not told apart by its source',
    );
  }
  if (mode !== 'nftables' && nodePortAddresses.length === 0) {
    warnings.push(
      'nodePortAddresses is unset; NodePort connections will be accepted on all local IPs. Consider using `--nodeport-addresses primary`',
    );
  }
  return warnings;
}
