// What a Service has that its author did not write (service-semantics 1.2).
import type { Service, ServiceSpec } from '../types.generated.ts';
import { externallyAccessible } from './facts.ts';

const defaultAffinityTimeoutSeconds = 10_800;

export function defaultService(service: Service): void {
  service.spec ??= {};
  const { spec } = service;
  dropZeroValues(spec);
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    const timeoutSeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinityTimeoutSeconds;
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds } };
  }
  spec.type ??= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
    if (!port.nodePort) delete port.nodePort;
    if (!port.name) delete port.name;
  }
  if (externallyAccessible(service)) spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
  }
}

const textFields = [
  'clusterIP',
  'externalName',
  'externalTrafficPolicy',
  'loadBalancerIP',
  'sessionAffinity',
  'type',
] as const;
const listFields = ['clusterIPs', 'externalIPs', 'ipFamilies', 'loadBalancerSourceRanges', 'ports'] as const;

/** An empty text, list or number is the same as none, as it is to every client written in Go. */
function dropZeroValues(spec: ServiceSpec): void {
  for (const field of textFields) if (spec[field] === '') delete spec[field];
  for (const field of listFields) if (spec[field]?.length === 0) delete spec[field];
  if (spec.healthCheckNodePort === 0) delete spec.healthCheckNodePort;
  if (spec.publishNotReadyAddresses === false) delete spec.publishNotReadyAddresses;
  if (spec.selector && Object.keys(spec.selector).length === 0) delete spec.selector;
}
