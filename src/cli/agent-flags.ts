// What an agent is told of its node and its network, judged before it begins.
import { dns1123Subdomain } from '../apimachinery/validation/names.ts';
import { type ClusterSettings, readDomain } from '../cluster/cluster-settings.ts';
import { podRangeFlag, readRanges, serviceRangeFlag } from '../cluster/ranges.ts';
import { formatCIDR } from '../net/cidr.ts';
import { canonicalIP, familyOf } from '../net/ip.ts';
import { usage } from './flag-values.ts';

export interface NetworkFlags {
  readonly clusterCidr?: string | undefined;
  readonly serviceClusterIpRange?: string | undefined;
  readonly clusterDns?: string | undefined;
  readonly clusterDomain?: string | undefined;
}

/** What this node is told otherwise than by its server. Throws a usage failure that names the flag. */
export function clusterOf(flags: NetworkFlags): Partial<ClusterSettings> {
  const { clusterCidr, serviceClusterIpRange, clusterDns, clusterDomain } = flags;
  const ranges = (flag: string, text: string) => readRanges(flag, text).map(formatCIDR);
  return {
    ...(clusterCidr !== undefined && { clusterCIDRs: ranges(podRangeFlag, clusterCidr) }),
    ...(serviceClusterIpRange !== undefined && { serviceCIDRs: ranges(serviceRangeFlag, serviceClusterIpRange) }),
    ...(clusterDns !== undefined && { clusterDNS: addressesOf('--cluster-dns', clusterDns) }),
    ...(clusterDomain !== undefined && { clusterDomain: readDomain(clusterDomain) }),
  };
}

/** One address, or one of each family, the primary one first. */
export function nodeIPsOf(text: string): string[] {
  const addresses = addressesOf('--node-ip', text);
  const families = new Set(addresses.map(familyOf));
  if (families.size === addresses.length) return addresses;
  throw usage(`--node-ip: ${JSON.stringify(text)} has two addresses of one family`);
}

/** An https:// URL. */
export function serverOf(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return text;
  throw usage(`--server: ${JSON.stringify(text)} is not an https:// address`);
}

/** Names of nodes are names of objects. */
export function nodeNameOf(text: string): string {
  const [why] = dns1123Subdomain(text);
  if (why !== undefined) throw usage(`--node-name: ${JSON.stringify(text)}: ${why}`);
  return text;
}

function addressesOf(flag: string, text: string): string[] {
  const parts = text.split(',').filter((part) => part !== '');
  return parts.map((part) => {
    const address = canonicalIP(part.trim());
    if (address === undefined) throw usage(`${flag}: ${JSON.stringify(part)} is no IP address`);
    return address;
  });
}
