// What a proxier of one family needs to know of a Service, port by port.
import type { Service, ServiceSpec } from '../api/core/v1/types.generated.ts';
import type { IPFamily } from '../net/ip.ts';
import { canonicalCIDR, canonicalIP, familyOf } from './address.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

export interface ServicePort {
  /** `namespace/name:port`, without the suffix when the port has no name. */
  readonly name: string;
  readonly namespace: string;
  readonly serviceName: string;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly family: IPFamily;
  readonly clusterIP: string;
  readonly port: number;
  readonly nodePort: number | undefined;
  readonly externalIPs: readonly string[];
  /** Load balancer addresses that nodes short-circuit: those with ipMode VIP (KEP-1860). */
  readonly loadBalancerIPs: readonly string[];
  /** Who may reach the load balancer addresses; empty means everyone. */
  readonly sourceRanges: readonly string[];
  readonly internalPolicyLocal: boolean;
  readonly externalPolicyLocal: boolean;
  /** Seconds that a client stays with its endpoint after its last connection; undefined without affinity. */
  readonly affinitySeconds: number | undefined;
  readonly healthCheckNodePort: number | undefined;
}

/** Leaves a Service to another proxy, of whatever name. */
export const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';

const defaultAffinitySeconds = 10800;

/** Whether kube-proxy handles the Service at all (service-semantics 3.1). */
export function isProxied(service: Service): boolean {
  const { type, clusterIP } = service.spec ?? {};
  const named = service.metadata.labels?.[proxyNameLabel] !== undefined;
  return !named && type !== 'ExternalName' && clusterIP !== undefined && clusterIP !== '' && clusterIP !== 'None';
}

/** The Service as a cluster sees it that does not let users claim addresses (gate AllowServiceExternalIPs off). */
export function withoutExternalIPs(service: Readonly<Service>): Readonly<Service> {
  if (!service.spec?.externalIPs?.length) return service;
  const { externalIPs: _, ...spec } = service.spec;
  return { ...service, spec };
}

function sourceRangesOf(service: Service, family: IPFamily): string[] {
  const all = (service.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim());
  const own = all.filter((range) => familyOf(range) === family);
  return own.some((range) => range.endsWith('/0')) ? [] : own.map(canonicalCIDR);
}

function loadBalancerIPsOf(service: Service, family: IPFamily): string[] {
  if (service.spec?.type !== 'LoadBalancer') return [];
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode }) => (ip && (ipMode ?? 'VIP') === 'VIP' ? own(ip, family) : []));
}

function own(ip: string, family: IPFamily): string[] {
  return familyOf(ip) === family ? [canonicalIP(ip)] : [];
}

/** Only load balancers under policy Local ask for it. */
function healthCheckNodePortOf({ type, externalTrafficPolicy, healthCheckNodePort }: ServiceSpec): number | undefined {
  const asks = type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
  return asks ? healthCheckNodePort || undefined : undefined;
}

function protocolOf(protocol: string | undefined): Protocol {
  return protocol === 'UDP' ? 'udp' : protocol === 'SCTP' ? 'sctp' : 'tcp';
}

/** The ports of a Service for one family; none when it has no cluster IP of that family. */
export function servicePorts(service: Service, family: IPFamily): ServicePort[] {
  if (!isProxied(service)) return [];
  const spec = service.spec!;
  const clusterIP = (spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP!]).find(
    (ip) => familyOf(ip) === family,
  );
  if (clusterIP === undefined) return [];
  const namespace = service.metadata.namespace ?? 'default';
  const serviceName = service.metadata.name;
  const affinity = spec.sessionAffinity === 'ClientIP';
  const shared = {
    namespace,
    serviceName,
    family,
    clusterIP: canonicalIP(clusterIP),
    externalIPs: (spec.externalIPs ?? []).flatMap((ip) => own(ip, family)),
    loadBalancerIPs: loadBalancerIPsOf(service, family),
    sourceRanges: sourceRangesOf(service, family),
    internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
    externalPolicyLocal: spec.externalTrafficPolicy === 'Local',
    affinitySeconds: affinity
      ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds)
      : undefined,
    healthCheckNodePort: healthCheckNodePortOf(spec),
  };
  return (spec.ports ?? []).map((port) => ({
    ...shared,
    name: port.name ? `${namespace}/${serviceName}:${port.name}` : `${namespace}/${serviceName}`,
    portName: port.name ?? '',
    protocol: protocolOf(port.protocol),
    port: port.port,
    nodePort: port.nodePort || undefined,
  }));
}
