// What is to be done about a Service's load balancer, and when a change of a Service is worth a look (service-semantics 9).
import {
  hasLoadBalancerFinalizer,
  loadBalancerCleanupFinalizer,
  servesLoadBalancers,
  wantsLoadBalancer,
} from '../../api/core/v1/service/load-balancer.ts';
import type { LoadBalancerIngress, Node, Service } from '../../api/core/v1/types.generated.ts';
import { announcedByAnnotation } from '../../api/portico/v1/load-balancer-pool.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';

export type Wish = 'ensure' | 'cleanup' | 'nothing';

export function wishOf(service: Readonly<Service>): Wish {
  const isGoing = service.metadata.deletionTimestamp !== undefined;
  if (hasLoadBalancerFinalizer(service) && (isGoing || service.spec.type !== 'LoadBalancer')) return 'cleanup';
  return wantsLoadBalancer(service) && !isGoing ? 'ensure' : 'nothing';
}

/** Whether the load balancer may have to change. What nodes write on a Service is no reason. */
export function needsUpdate(old: Readonly<Service>, service: Readonly<Service>): boolean {
  return wishOf(old) !== wishOf(service) || !jsonEqual(factsOf(old), factsOf(service));
}

function factsOf({ metadata, spec }: Readonly<Service>): unknown {
  const { [announcedByAnnotation]: _, ...annotations } = metadata.annotations ?? {};
  return {
    uid: metadata.uid ?? '',
    annotations,
    sourceRanges: spec.loadBalancerSourceRanges ?? [],
    ports: (spec.ports ?? []).map(
      ({ name = '', protocol = '', port, nodePort = 0, targetPort = 0, appProtocol = '' }) => ({
        name,
        protocol,
        port,
        nodePort,
        targetPort,
        appProtocol,
      }),
    ),
    sessionAffinity: [spec.sessionAffinity ?? '', spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0],
    loadBalancerIP: spec.loadBalancerIP ?? '',
    externalIPs: spec.externalIPs ?? [],
    externalTrafficPolicy: spec.externalTrafficPolicy ?? '',
    healthCheckNodePort: spec.healthCheckNodePort ?? 0,
    families: (spec.ipFamilies ?? []).length,
  };
}

/** Names of the nodes that load balancers may use, sorted. */
export function hostsOf(nodes: readonly Readonly<Node>[]): string[] {
  return nodes
    .filter(servesLoadBalancers)
    .map(({ metadata }) => metadata.name)
    .sort();
}

export function withFinalizer({ metadata }: Readonly<Service>): string[] {
  return [...(metadata.finalizers ?? []), loadBalancerCleanupFinalizer];
}

export function withoutFinalizer({ metadata }: Readonly<Service>): string[] {
  return (metadata.finalizers ?? []).filter((name) => name !== loadBalancerCleanupFinalizer);
}

export function sameIngress(service: Readonly<Service>, ingress: readonly LoadBalancerIngress[]): boolean {
  return jsonEqual(service.status?.loadBalancer?.ingress ?? [], ingress);
}
