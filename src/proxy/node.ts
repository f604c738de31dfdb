// What a proxier takes from Node objects.
import type { Node } from '../api/core/v1/types.generated.ts';
import type { IPFamily } from '../net/ip.ts';
import { canonicalIP, familyOf } from './address.ts';
import type { ProxyNode } from './plan.ts';

export interface NodeOptions {
  /** Takes the place of the first address of its family, unless it is unspecified (kube-proxy's --bind-address). */
  readonly bindAddress?: string | undefined;
}

const unspecified = ['0.0.0.0', '::'];

/** The node as one family sees it. */
export function proxyNodeOf(node: Readonly<Node>, family: IPFamily, { bindAddress }: NodeOptions = {}): ProxyNode {
  const present = node.status?.addresses ?? [];
  const ofType = (wanted: string) =>
    present
      .filter(({ type, address }) => type === wanted && familyOf(address) === family)
      .map(({ address }) => canonicalIP(address));
  const internal = ofType('InternalIP');
  const addresses = internal.length > 0 ? internal : ofType('ExternalIP');
  const bound = bindAddress !== undefined && familyOf(bindAddress) === family ? canonicalIP(bindAddress) : undefined;
  const podCIDRs = (node.spec?.podCIDRs ?? []).filter((cidr) => familyOf(cidr) === family);
  const overridden = bound !== undefined && !unspecified.includes(bound);
  return {
    name: node.metadata.name,
    zone: node.metadata.labels?.['topology.kubernetes.io/zone'] || undefined,
    addresses: overridden ? [bound, ...addresses.filter((address) => address !== bound)] : addresses,
    ...(podCIDRs.length > 0 && { podCIDRs }),
  };
}
