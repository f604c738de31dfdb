// The nftables table that hides what pods send out of the cluster behind their node's address.
import { familyOfCIDR } from '../net/cidr.ts';
import { bridge } from './cni-config.ts';

export const table = 'portico-podnetwork';

/** The chain that the kernel calls: where it is not, nothing is masqueraded. */
export const baseChain = { family: 'inet', table, name: 'postrouting' };

export interface Masquerade {
  /** The node's own. */
  readonly podCIDRs: readonly string[];
  readonly clusterCIDRs: readonly string[];
  /** InternalIPs of all nodes: they have routes to pods, so they see the pod's own address. */
  readonly nodeIPs: readonly string[];
}

function rules(family: 'IPv4' | 'IPv6', { podCIDRs, clusterCIDRs, nodeIPs }: Masquerade): string[] {
  const of = (items: readonly string[]) => items.filter((i) => familyOfCIDR(i) === family);
  const sources = of(podCIDRs);
  if (sources.length === 0) return [];
  const ip = family === 'IPv4' ? 'ip' : 'ip6';
  const multicast = family === 'IPv4' ? '224.0.0.0/4' : 'ff00::/8';
  const nodes = of(nodeIPs);
  const inside = `${ip} daddr { ${[...of(clusterCIDRs), multicast].join(', ')} }`;
  return [
    `${ip} saddr != { ${sources.join(', ')} } return`,
    `${inside} return`,
    ...(nodes.length > 0 ? [`${ip} daddr { ${nodes.join(', ')} } return`] : []),
    `oifname != "${bridge}" masquerade`,
  ];
}

/** For `nft -f`. */
export function masqueradeRuleset(options: Masquerade): string {
  const chain = (name: string, lines: readonly string[]) => [
    `  chain ${name} {`,
    ...lines.map((l) => `    ${l}`),
    '  }',
  ];
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    ...chain('pods-ipv4', rules('IPv4', options)),
    ...chain('pods-ipv6', rules('IPv6', options)),
    ...chain(baseChain.name, [
      'type nat hook postrouting priority srcnat + 10; policy accept;',
      'meta nfproto ipv4 jump pods-ipv4',
      'meta nfproto ipv6 jump pods-ipv6',
    ]),
    '}',
    '',
  ].join('\n');
}
