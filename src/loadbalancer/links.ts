// Interfaces of the node as `ip -json address show` tells of them, and addresses on them. Pure.
import { type CIDR, cidrOf, containsText } from '../net/cidr.ts';
import { familyOf, parseIP } from '../net/ip.ts';

export interface Link {
  readonly name: string;
  /** `02:42:…`; of links without one there is nothing to announce. */
  readonly mac: string;
  readonly addresses: readonly { readonly ip: string; readonly prefixLength: number }[];
}

interface ToldLink {
  readonly ifname?: string;
  readonly address?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

/** Ethernet links only. */
export function parseLinks(json: string): Link[] {
  return (JSON.parse(json || '[]') as readonly ToldLink[]).flatMap(({ ifname, address, addr_info = [] }) => {
    if (!ifname || !address || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address) || ifname === 'lo') return [];
    const addresses = addr_info.flatMap(({ local, prefixlen = 0 }) =>
      local ? [{ ip: local, prefixLength: prefixlen }] : [],
    );
    return [{ name: ifname, mac: address, addresses }];
  });
}

/** The blocks of the links that the node's addresses are on, those of single addresses left out. */
export function networksOf(links: readonly Link[], nodeIPs: readonly string[]): CIDR[] {
  return links.filter((link) => hasOne(link, nodeIPs)).flatMap(blocksOf);
}

function hasOne({ addresses }: Link, ips: readonly string[]): boolean {
  return addresses.some(({ ip }) => ips.includes(ip));
}

function blocksOf({ addresses }: Link): CIDR[] {
  return addresses.flatMap(({ ip: text, prefixLength }) => {
    const ip = parseIP(text);
    const isSingle = prefixLength === (familyOf(text) === 'IPv4' ? 32 : 128);
    return ip && !isSingle ? [cidrOf(ip, prefixLength)] : [];
  });
}

/** Where an address is answered for: on the link whose network it is of, else on that of the node's own address. */
export function linkFor(ip: string, links: readonly Link[], nodeIPs: readonly string[]): Link | undefined {
  const ofNode = links.filter((link) => hasOne(link, nodeIPs));
  const near = (link: Link) => blocksOf(link).some((block) => containsText(block, ip));
  return ofNode.find(near) ?? links.find(near) ?? ofNode[0];
}

/** Seconds after which the kernel takes an address away that nobody renews. */
const lifetime = 5;

/**
 * A line for `ip -batch` that puts an address on a link, or renews it. Deprecated (RFC 4862), so that the node never
 * sends from it on its own account; without detection of duplicates, which takes a second.
 */
export function putAddress(ip: string, link: string): string {
  const [length, flags] = familyOf(ip) === 'IPv4' ? ['32', ''] : ['128', ' nodad'];
  return `address replace ${ip}/${length} dev ${link} valid_lft ${lifetime} preferred_lft 0${flags}`;
}

export function removeAddress(ip: string, link: string): string {
  return `address delete ${ip}/${familyOf(ip) === 'IPv4' ? '32' : '128'} dev ${link}`;
}
