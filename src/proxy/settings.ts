// From the flags of `portico proxy` and `portico rules` to the settings of each family.
import { canonicalCIDR, contains, familyOf, type IPFamily, isCIDR } from './address.ts';
import { defaultMasqueradeBit, type LocalDetector, type ProxyConfig } from './config.ts';
import type { ProxyNode } from './plan.ts';

export type ProxyMode = 'nftables' | 'iptables' | 'ipvs';
export const proxyModes: readonly ProxyMode[] = ['nftables', 'iptables', 'ipvs'];

/** Settings that do not depend on the family, spelt as kube-proxy's flags. */
export interface ProxySettings {
  readonly mode: ProxyMode;
  readonly clusterCIDRs: readonly string[];
  readonly serviceCIDRs: readonly string[];
  /** Prefixes, or the one word `primary`; empty for the default of the mode. */
  readonly nodePortAddresses: readonly string[];
  readonly masqueradeAll?: boolean;
  readonly masqueradeBit?: number;
}

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

function localDetectorOf(settings: ProxySettings, family: IPFamily): LocalDetector | undefined {
  const cidr = settings.clusterCIDRs.find((text) => familyOf(text) === family);
  return cidr === undefined ? undefined : { kind: 'cidr', cidr: canonicalCIDR(cidr) };
}

/** The addresses that accept node ports: those of the node within the prefixes, or the primary one, or all. */
function nodePortAddressesOf(
  settings: ProxySettings,
  family: IPFamily,
  addresses: readonly string[],
): readonly string[] | 'all' {
  const { mode, nodePortAddresses } = settings;
  const primary = nodePortAddresses.length === 0 ? mode === 'nftables' : nodePortAddresses[0] === 'primary';
  if (primary) return addresses.slice(0, 1);
  const ranges = nodePortAddresses.filter((range) => familyOf(range) === family);
  if (ranges.length === 0 || ranges.some((range) => range.endsWith('/0'))) return 'all';
  return addresses.filter((address) => ranges.some((range) => contains(range, address)));
}

/** `addresses` are those of the node's interfaces, or its InternalIPs where only the API is known. */
export function configOf(
  settings: ProxySettings,
  family: IPFamily,
  node: ProxyNode,
  addresses: readonly string[] = node.addresses,
): ProxyConfig {
  return {
    family,
    node,
    localDetector: localDetectorOf(settings, family),
    masqueradeAll: settings.masqueradeAll ?? false,
    masqueradeBit: settings.masqueradeBit ?? defaultMasqueradeBit,
    serviceCIDRs: settings.serviceCIDRs.filter((text) => familyOf(text) === family).map(canonicalCIDR),
    nodePortAddresses: nodePortAddressesOf(settings, family, addresses),
  };
}
