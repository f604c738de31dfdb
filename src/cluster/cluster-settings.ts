// What all nodes of a cluster must agree on. The server is given it by flags and tells it to its agents.
import { dns1123Subdomain } from '../apimachinery/validation/names.ts';
import { clusterDNS } from './cluster-dns.ts';
import { Failure } from './failure.ts';

export interface ClusterSettings {
  /** Ranges of pods, one or one per family, the primary one first. */
  readonly clusterCIDRs: readonly string[];
  /** Ranges of Services, likewise. */
  readonly serviceCIDRs: readonly string[];
  /** Name servers of pods. */
  readonly clusterDNS: readonly string[];
  /** Of the names of Services, without dots at its ends. */
  readonly clusterDomain: string;
}

/** Where a server tells its settings to nodes. */
export const clusterSettingsPath = '/portico/v1/cluster';

export const defaultClusterDomain = 'cluster.local';

/** What a flag says of the domain, in lower case and without dots at its ends. Throws a Failure where it is no domain. */
export function readDomain(text: string, flag = '--cluster-domain'): string {
  const domain = text.replace(/^\.+|\.+$/g, '').toLowerCase();
  const [why] = dns1123Subdomain(domain);
  if (why !== undefined) throw new Failure(`${flag} ${text}: ${why}`, { exitCode: 2 });
  return domain;
}

/** The settings that follow from a server's flags: cluster DNS has the tenth address of the first Service range. */
export function clusterSettings(server: {
  readonly clusterCIDRs: readonly string[];
  readonly serviceClusterIPRanges: readonly string[];
  readonly clusterDomain?: string;
}): ClusterSettings {
  const { clusterCIDRs, serviceClusterIPRanges: serviceCIDRs, clusterDomain = defaultClusterDomain } = server;
  return { clusterCIDRs, serviceCIDRs, clusterDNS: clusterDNS(serviceCIDRs).slice(0, 1), clusterDomain };
}
