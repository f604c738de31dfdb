// What other firewalls of the machine must let through, as they are told of it.
import { familyOfCIDR } from '../../net/cidr.ts';
import { familyOf, type IPFamily } from '../../net/ip.ts';
import { vxlanPort } from '../vxlan.ts';

export type FirewallHook = 'forward' | 'input';

/** Packets that pass; what is absent is not looked at. */
export interface Accept {
  readonly hook: FirewallHook;
  readonly family: IPFamily;
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: 'tcp' | 'udp';
  readonly port?: number;
}

/** Pods to and from everywhere; cluster DNS, which listens on the node; and, from other nodes, the tunnel. */
export function acceptsFor(options: {
  readonly clusterCIDRs: readonly string[];
  /** Underlay addresses of the other ends of the tunnel. */
  readonly tunnelPeers: readonly string[];
}): Accept[] {
  const accepts: Accept[] = [];
  for (const cidr of options.clusterCIDRs) {
    const family = familyOfCIDR(cidr);
    if (!family) continue;
    accepts.push({ hook: 'forward', family, source: cidr }, { hook: 'forward', family, destination: cidr });
    for (const protocol of ['udp', 'tcp'] as const) {
      accepts.push({ hook: 'input', family, source: cidr, protocol, port: 53 });
    }
  }
  for (const address of options.tunnelPeers) {
    const family = familyOf(address);
    if (!family) continue;
    const source = `${address}/${family === 'IPv4' ? 32 : 128}`;
    accepts.push({ hook: 'input', family, source, protocol: 'udp', port: vxlanPort });
  }
  return accepts;
}
