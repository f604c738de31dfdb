// What one may ask of a Service: which of its fields its type and policies call for.
import type { Service } from '../types.generated.ts';

export const clusterIPNone = 'None';

/** A Service with cluster IP `None`: DNS answers with the endpoints themselves. */
export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIPs?.length === 1 ? spec.clusterIPs[0] === clusterIPNone : spec.clusterIP === clusterIPNone;
}

export function needsClusterIP({ spec }: Service): boolean {
  return spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

/** The type uses node ports, though those of a LoadBalancer need not be allocated. */
export function usesNodePorts({ spec }: Service): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

/** Ports without a node port are given one. */
export function allocatesNodePorts({ spec }: Service): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

export function needsHealthCheckNodePort({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

/** Reachable from outside the cluster, so that externalTrafficPolicy means something. */
export function externallyAccessible({ spec }: Service): boolean {
  return usesNodePorts({ spec } as Service) || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
}

const sameList = (a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean =>
  (a?.length ?? 0) === (b?.length ?? 0) && (a ?? []).every((item, i) => item === b?.[i]);

export function sameClusterIPs(a: Service, b: Service): boolean {
  return (a.spec.clusterIP ?? '') === (b.spec.clusterIP ?? '') && sameClusterIPList(a, b);
}

export function sameClusterIPList(a: Service, b: Service): boolean {
  return sameList(a.spec.clusterIPs, b.spec.clusterIPs);
}

export function sameIPFamilies(a: Service, b: Service): boolean {
  return sameList(a.spec.ipFamilies, b.spec.ipFamilies);
}

/** The node ports of a Service, each once. */
export function nodePortsOf({ spec }: Service): Set<number> {
  return new Set((spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0).filter((port) => port !== 0));
}
