// What the machine's links are like, of what `ip -json addr` lists.
import { containsText, parseCIDR } from '../net/cidr.ts';
import { bridge } from './cni-config.ts';
import type { LinkAddress } from './routes.ts';
import { tunnelDevice } from './vxlan.ts';

export interface ListedLink {
  readonly ifname: string;
  readonly mtu: number;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number; readonly scope?: string }[];
}

export interface Uplink extends LinkAddress {
  readonly mtu: number;
}

/** Used where no link carries the node's address. */
const defaultMTU = 1500;

function addressesOf({ ifname, mtu, addr_info = [] }: ListedLink): Uplink[] {
  if (ifname === bridge || ifname === tunnelDevice || ifname === 'lo') return [];
  return addr_info.flatMap(({ local, prefixlen, scope }) =>
    local === undefined || prefixlen === undefined || scope === 'link'
      ? []
      : [{ address: local, prefixLength: prefixlen, mtu }],
  );
}

/** Addresses of all links but the pods' own, link-local ones aside. */
export function linkAddresses(links: readonly ListedLink[]): Uplink[] {
  return links.flatMap(addressesOf);
}

/** The link of the node's primary address, or of its next one that a link carries. */
export function uplinkOf(links: readonly ListedLink[], nodeIPs: readonly string[]): Uplink | undefined {
  const all = linkAddresses(links);
  for (const ip of nodeIPs) {
    const found = all.find(({ address }) => address === ip);
    if (found) return found;
  }
  return undefined;
}

export const mtuOf = (uplink: Uplink | undefined): number => uplink?.mtu ?? defaultMTU;

/**
 * Commands of `ip` that take addresses off the pods' bridge which are of ranges that the node has no more. The plugin gives no pod
 * an address while there is one, and the link's own route would stand before the one to the node that has the range now.
 */
export function staleAddresses(links: readonly ListedLink[], podCIDRs: readonly string[]): string[] {
  const ranges = podCIDRs.flatMap((text) => parseCIDR(text) ?? []);
  const addresses = links.filter(({ ifname }) => ifname === bridge).flatMap(({ addr_info = [] }) => addr_info);
  return addresses.flatMap(({ local, prefixlen, scope }) =>
    local === undefined || scope === 'link' || ranges.some((range) => containsText(range, local))
      ? []
      : [`addr del ${local}/${prefixlen} dev ${bridge}`],
  );
}
