// From the flags of `portico proxy` and `portico rules` to the settings of each family.

import type { Node } from '../api/core/v1/types.generated.ts';
import type { IPFamily } from '../net/ip.ts';
import { canonicalCIDR, canonicalIP, contains, familyOf, isCIDR } from './address.ts';
import { defaultMasqueradeBit, type LocalDetector, type ProxyConfig } from './config.ts';
import type { IptablesVariant } from './iptables/variant.ts';
import { defaultScheduler, type IpvsSettings } from './ipvs/settings.ts';
import { proxyNodeOf } from './node.ts';
import type { ProxyNode } from './plan.ts';

export type ProxyMode = 'nftables' | 'iptables' | 'ipvs';
export const proxyModes: readonly ProxyMode[] = ['nftables', 'iptables', 'ipvs'];

/** What tells the traffic of pods from other traffic; ClusterCIDR goes by `clusterCIDRs`, NodeCIDR by the node's podCIDRs. */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR' | 'NodeCIDR' }
  | { readonly mode: 'BridgeInterface'; readonly bridge: string }
  | { readonly mode: 'InterfaceNamePrefix'; readonly prefix: string };

/** Settings that do not depend on the family, spelt as kube-proxy's flags; what is absent is as upstream's default. */
export interface ProxySettings {
  readonly mode: ProxyMode;
  readonly clusterCIDRs: readonly string[];
  readonly serviceCIDRs: readonly string[];
  /** Prefixes, or the one word `primary`; empty for the default of the mode. */
  readonly nodePortAddresses: readonly string[];
  readonly masqueradeAll?: boolean;
  readonly masqueradeBit?: number;
  readonly detectLocal?: DetectLocal;
  readonly localhostNodePorts?: boolean;
  /** Whether external IPs of Services lead nowhere (gate AllowServiceExternalIPs off). */
  readonly ignoreExternalIPs?: boolean;
  /** Takes the place of the node's first address of its family. */
  readonly bindAddress?: string;
  /** Milliseconds between looks for the rules, and the longest wait before a failed sync is tried again. */
  readonly syncPeriod?: number;
  /** The least milliseconds from one sync to the next. */
  readonly minSyncPeriod?: number;
  /** Which iptables to use, where there are both; otherwise the one that seems to be in use. */
  readonly iptablesVariant?: IptablesVariant | undefined;
  /** Of the ipvs mode only. */
  readonly ipvs?: IpvsSettings;
}

export const defaultSyncPeriod = 30_000;

/** Takes a comma-separated flag apart. */
export function listOf(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
}

/** What is wrong with the settings, in one line; undefined when nothing is. */
export function settingsError(settings: ProxySettings): string | undefined {
  for (const [flag, values] of [
    ['--cluster-cidr', settings.clusterCIDRs],
    ['--service-cluster-ip-range', settings.serviceCIDRs],
  ] as const) {
    const wrong = values.find((value) => !isCIDR(value));
    if (wrong !== undefined) return `${flag}: ${JSON.stringify(wrong)} is not a CIDR such as 10.96.0.0/16`;
  }
  const wrong = settings.nodePortAddresses.find((value) => !isCIDR(value) && value !== 'primary');
  if (wrong !== undefined) return `--nodeport-addresses: ${JSON.stringify(wrong)} is neither a CIDR nor "primary"`;
  return undefined;
}

function cidrDetector(cidrs: readonly string[], family: IPFamily): LocalDetector | undefined {
  const cidr = cidrs.find((text) => familyOf(text) === family);
  return cidr === undefined ? undefined : { kind: 'cidr', cidr: canonicalCIDR(cidr) };
}

function localDetectorOf(settings: ProxySettings, family: IPFamily, node: ProxyNode): LocalDetector | undefined {
  const detect = settings.detectLocal ?? { mode: 'ClusterCIDR' };
  switch (detect.mode) {
    case 'ClusterCIDR':
      return cidrDetector(settings.clusterCIDRs, family);
    case 'NodeCIDR':
      return cidrDetector(node.podCIDRs ?? [], family);
    case 'BridgeInterface':
      return { kind: 'interface', name: detect.bridge };
    case 'InterfaceNamePrefix':
      return { kind: 'interface-prefix', prefix: detect.prefix };
  }
}

/** The prefixes of one family that accept node ports; `primary` for the node's first address, `all` for every address. */
function nodePortRanges(
  { mode, nodePortAddresses }: ProxySettings,
  family: IPFamily,
): readonly string[] | 'primary' | 'all' {
  const [first] = nodePortAddresses;
  if (first === undefined) return mode === 'nftables' ? 'primary' : 'all';
  if (first === 'primary') return 'primary';
  const ranges = nodePortAddresses.filter((range) => familyOf(range) === family);
  return ranges.length === 0 || ranges.some((range) => range.endsWith('/0')) ? 'all' : ranges;
}

/** Whether the addresses of the node's interfaces are needed to know which of them accept node ports. */
export function needsInterfaceAddresses(settings: ProxySettings): boolean {
  return (['IPv4', 'IPv6'] as const).some((family) => Array.isArray(nodePortRanges(settings, family)));
}

/** Whether a range is of loopback addresses, or holds them. */
function holdsLoopback(range: string): boolean {
  return contains('127.0.0.0/8', range) || contains(range, '127.0.0.0');
}

/** Whether node ports answer on 127.0.0.1 in modes but ipvs: as in upstream's iptables mode, ranges without it close it, too. */
export function allowsLocalhostNodePorts(settings: ProxySettings): boolean {
  const ranges = nodePortRanges(settings, 'IPv4');
  const open = ranges === 'all' || (ranges !== 'primary' && ranges.some(holdsLoopback));
  return (settings.localhostNodePorts ?? true) && open;
}

function nodePortAddressesOf(
  ranges: readonly string[] | 'primary' | 'all',
  node: Pick<ProxyNode, 'addresses'>,
  addresses: readonly string[],
): readonly string[] | 'all' {
  if (ranges === 'all') return 'all';
  if (ranges === 'primary') return node.addresses.slice(0, 1);
  return addresses.filter((address) => ranges.some((range) => contains(range, address)));
}

/**
 * Whether health check node ports answer on an address of this machine: on those that accept node ports, once
 * `--nodeport-addresses` says which; otherwise on all, in every mode.
 */
export function answersHealthChecks(
  settings: ProxySettings,
  address: string,
  node: Readonly<Node> | undefined,
): boolean {
  const [ip = ''] = address.split('%'); // a link-local one comes with its interface
  const family = familyOf(ip);
  if (settings.nodePortAddresses.length === 0 || !family) return true;
  const { addresses } = node ? proxyNodeOf(node, family, settings) : { addresses: [] };
  const open = nodePortAddressesOf(nodePortRanges(settings, family), { addresses }, [canonicalIP(ip)]);
  return open === 'all' || open.includes(canonicalIP(ip));
}

/** `addresses` are those of the node's interfaces, or those of its object where only the API is known. */
export function configOf(
  settings: ProxySettings,
  family: IPFamily,
  node: ProxyNode,
  addresses: readonly string[] = node.addresses,
): ProxyConfig {
  const ranges = nodePortRanges(settings, family);
  return {
    family,
    node,
    localDetector: localDetectorOf(settings, family, node),
    masqueradeAll: settings.masqueradeAll ?? false,
    masqueradeBit: settings.masqueradeBit ?? defaultMasqueradeBit,
    serviceCIDRs: settings.serviceCIDRs.filter((text) => familyOf(text) === family).map(canonicalCIDR),
    nodePortAddresses: nodePortAddressesOf(ranges, node, addresses),
    localhostNodePorts: family === 'IPv4' && allowsLocalhostNodePorts(settings),
    ipvsScheduler: settings.ipvs?.scheduler ?? defaultScheduler,
  };
}
