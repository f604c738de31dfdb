// What the machine's links are like, of what `ip -json addr` lists.
import { addressAt, containsText, parseCIDR } from '../net/cidr.ts';
import { formatIP } from '../net/ip.ts';
import { bridge } from './cni-config.ts';
import type { LinkAddress } from './routes.ts';
import { tunnelDevice } from './vxlan.ts';

export interface ListedLink {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags?: readonly string[];
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
 * Commands of `ip` that put the pods' bridge right, where there is one: up, with the first address of each of the node's ranges,
 * which is its pods' gateway, and of no other. Beside a range that the node has no more the plugin gives no pod an address, and
 * the link's own route would stand before the one to the node that has the range now.
 */
export function bridgeChanges(links: readonly ListedLink[], podCIDRs: readonly string[]): string[] {
  const found = links.find(({ ifname }) => ifname === bridge);
  const ranges = podCIDRs.flatMap((text) => parseCIDR(text) ?? []);
  if (!found || ranges.length === 0) return [];
  const own = (found.addr_info ?? []).filter(({ scope }) => scope !== 'link');
  const stale = own.filter(({ local = '' }) => !ranges.some((range) => containsText(range, local)));
  const missing = ranges.filter((range) => !own.some(({ local = '' }) => containsText(range, local)));
  return [
    ...(found.flags?.includes('UP') ? [] : [`link set ${bridge} up`]),
    ...stale.map(({ local, prefixlen }) => `addr del ${local}/${prefixlen} dev ${bridge}`),
    ...missing.map((range) => {
      const gateway = `${formatIP(addressAt(range, 1n))}/${range.prefixLength}`;
      return `addr replace ${gateway} dev ${bridge} ${range.family === 'IPv4' ? 'broadcast +' : 'nodad'}`;
    }),
  ];
}
