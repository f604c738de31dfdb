// What a proxier takes from Node objects.
import type { Node } from '../api/core/v1/types.generated.ts';
import { canonicalIP, familyOf, type IPFamily } from './address.ts';
import type { ProxyNode } from './plan.ts';

/** The node as one family sees it. */
export function proxyNodeOf(node: Readonly<Node>, family: IPFamily): ProxyNode {
  const addresses = (node.status?.addresses ?? [])
    .filter(({ type, address }) => type === 'InternalIP' && familyOf(address) === family)
    .map(({ address }) => canonicalIP(address));
  return {
    name: node.metadata.name,
    zone: node.metadata.labels?.['topology.kubernetes.io/zone'] || undefined,
    addresses,
  };
}
