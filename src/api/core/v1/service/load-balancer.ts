// Facts about Services of type LoadBalancer that the controller, the announcing nodes and tools share (service-semantics 9).
import type { Node, Service } from '../types.generated.ts';

/** Keeps a Service from going before its load balancer has. */
export const loadBalancerCleanupFinalizer = 'service.kubernetes.io/load-balancer-cleanup';

/** On a node: load balancers send nothing there. */
const excludeFromLoadBalancersLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

/** One with a class is left to whoever serves that class. */
export function wantsLoadBalancer({ spec }: Readonly<Service>): boolean {
  return spec.type === 'LoadBalancer' && spec.loadBalancerClass === undefined;
}

export function hasLoadBalancerFinalizer({ metadata }: Readonly<Service>): boolean {
  return metadata.finalizers?.includes(loadBalancerCleanupFinalizer) ?? false;
}

/** Addresses in `status.loadBalancer`, as they are written there. */
export function ingressIPs({ status }: Readonly<Service>): string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
}

/** Go's strconv.ParseBool: what it takes for false. */
const falseTexts = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** Whether load balancers may use the node. Readiness is no part of it. */
export function servesLoadBalancers({ metadata, spec }: Readonly<Node>): boolean {
  const label = metadata.labels?.[excludeFromLoadBalancersLabel];
  const isExcluded = label !== undefined && !falseTexts.includes(label);
  const leaves = spec?.taints?.some(({ key }) => key === toBeDeletedTaint) ?? false;
  return !isExcluded && !leaves && metadata.deletionTimestamp === undefined;
}
