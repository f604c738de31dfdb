// What containerd is told of the pods' network: a bridge, with addresses of the node's ranges.
import { familyOfCIDR } from '../net/cidr.ts';

type Ranges = readonly (readonly { readonly subnet: string }[])[];

export const bridge = 'cni0';

export interface CNIConfig {
  readonly podCIDRs: readonly string[];
  /** Bytes; the uplink's. */
  readonly mtu: number;
  /** Where host-local keeps the addresses that are taken. */
  readonly dataDir: string;
}

/** Text of a .conflist file. */
export function cniConfig({ podCIDRs, mtu, dataDir }: CNIConfig): string {
  const families = new Set(podCIDRs.map(familyOfCIDR));
  const routes = [
    ...(families.has('IPv4') ? [{ dst: '0.0.0.0/0' }] : []),
    ...(families.has('IPv6') ? [{ dst: '::/0' }] : []),
  ];
  const plugins = [
    {
      type: 'bridge',
      bridge,
      mtu,
      isGateway: true,
      // A pod that reaches itself through its Service comes back by the port it left.
      hairpinMode: true,
      ipam: { type: 'host-local', dataDir, ranges: podCIDRs.map((subnet) => [{ subnet }]), routes },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ];
  return `${JSON.stringify({ cniVersion: '0.4.0', name: 'portico', plugins }, undefined, 2)}\n`;
}

/** The ranges in the text of such a file; none in another's, or in one that was half written. */
export function rangesOfConfig(text: string | undefined): readonly string[] {
  try {
    const { plugins } = JSON.parse(text ?? '') as { plugins: readonly { ipam?: { ranges: Ranges } }[] };
    return plugins.flatMap(({ ipam }) => ipam?.ranges.flat() ?? []).map(({ subnet }) => subnet);
  } catch {
    return [];
  }
}
