// The flags that say how a cluster's network is laid out, for the commands that explain it.
import type { Command } from 'commander';
import type { ProxySettings } from '../proxy/settings.ts';
import { pathsOf, tools } from './cluster-options.ts';
import { oneOf, usage } from './flag-values.ts';
import { isOfThisMachine, type ObjectFlags } from './objects.ts';

export interface NetworkFlags {
  readonly proxyMode?: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly clusterDomain?: string;
}

export function addNetworkOptions(command: Command): Command {
  return command
    .option('--proxy-mode <mode>', "nftables, iptables or ipvs (default: the cluster's, else nftables)")
    .option('--cluster-cidr <cidrs>', 'addresses of pods, comma-separated')
    .option('--service-cluster-ip-range <cidrs>', 'addresses of Services, comma-separated')
    .option('--cluster-domain <domain>', "of DNS names (default: the cluster's, else cluster.local)");
}

/** A cluster of this machine is known; of others, and of manifests, only what is said. Throws a usage failure. */
export async function networkSettings(flags: NetworkFlags, source: ObjectFlags): Promise<ProxySettings> {
  const [{ listOf, proxyModes, settingsError }, { proxySettings }] = await Promise.all([
    import('../proxy/settings.ts'),
    import('../cluster/agent/proxy-settings.ts'),
  ]);
  const running = isOfThisMachine(source) ? await networkOfThisMachine(source) : undefined;
  const mode = oneOf('--proxy-mode', flags.proxyMode ?? running?.proxyMode ?? 'nftables', proxyModes);
  const ranges = {
    clusterCIDRs: listOf(flags.clusterCidr ?? running?.podCIDRs),
    serviceCIDRs: listOf(flags.serviceClusterIpRange ?? running?.serviceCIDRs),
  };
  const settings = running ? proxySettings(mode, ranges) : { mode, ...ranges, nodePortAddresses: [] };
  const wrong = settingsError(settings);
  if (wrong) throw usage(wrong);
  return settings;
}

/** Likewise: what names end in. */
export async function clusterDomainOf(flags: NetworkFlags, source: ObjectFlags): Promise<string> {
  const { defaultClusterDomain, readDomain } = await import('../cluster/cluster-settings.ts');
  if (flags.clusterDomain !== undefined) return readDomain(flags.clusterDomain);
  const running = isOfThisMachine(source) ? await networkOfThisMachine(source) : undefined;
  return running?.clusterDomain ?? defaultClusterDomain;
}

/** Likewise: where packets get to beyond the cluster with egress off; undefined where it is on, or nothing is known of it. */
export async function reachOfSource(source: ObjectFlags): Promise<readonly string[] | undefined> {
  return isOfThisMachine(source) ? (await networkOfThisMachine(source)).reach : undefined;
}

/** How a cluster of this machine was brought up; its mode, domain and reach are undefined where no record says. */
export async function networkOfThisMachine(source: Pick<ObjectFlags, 'name' | 'dataDir'>) {
  const [{ rangesOf }, { reachOf }, { readRecord }] = await Promise.all([
    import('../cluster/layout.ts'),
    import('../cluster/reach.ts'),
    import('../cluster/record.ts'),
  ]);
  const record = await readRecord(tools.files, await pathsOf(source)).catch(() => undefined);
  return {
    ...rangesOf(record ?? {}),
    proxyMode: record?.proxyMode,
    clusterDomain: record?.clusterDomain,
    reach: record && reachOf(record),
  };
}
