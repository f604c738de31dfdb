// What `portico dns` is told of its zone, judged before it begins.
import { readDomain } from '../cluster/cluster-settings.ts';
import { podRangeFlag, serviceRangeFlag } from '../cluster/ranges.ts';
import { formatCIDR, parseCIDR } from '../net/cidr.ts';
import { usage } from './flag-values.ts';

export interface ZoneFlags {
  readonly domain: string;
  readonly clusterCidr: string;
  readonly serviceClusterIpRange: string;
}

export interface Zone {
  /** In lower case, without dots at its ends. */
  readonly domain: string;
  /** Of pods and Services: their reverse names belong to the zone. */
  readonly clusterCIDRs: readonly string[];
}

/** Throws a usage failure that names the flag. */
export function zoneOf({ domain, clusterCidr, serviceClusterIpRange }: ZoneFlags): Zone {
  const ranges = [...rangesOf(podRangeFlag, clusterCidr), ...rangesOf(serviceRangeFlag, serviceClusterIpRange)];
  return { domain: readDomain(domain, '--domain'), clusterCIDRs: ranges };
}

/** Any number of them, unlike a cluster's own. */
function rangesOf(flag: string, text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.filter(Boolean).map((part) => {
    const range = parseCIDR(part);
    if (!range) throw usage(`${flag}: ${JSON.stringify(part)} is no range of addresses, such as 10.96.0.0/16`);
    return formatCIDR(range);
  });
}
