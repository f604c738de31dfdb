// What one may ask of a Node: whether it is ready, where it answers, which addresses its pods have.
import type { Node } from '../types.generated.ts';

export function isNodeReady({ status }: Pick<Node, 'status'>): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** As the Node has them, the primary one first. */
export function internalIPs({ status }: Pick<Node, 'status'>): string[] {
  return (status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : []));
}

export function podCIDRsOf({ spec }: Pick<Node, 'spec'>): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
}
