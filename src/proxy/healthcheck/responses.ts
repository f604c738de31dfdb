// What the health endpoints answer (service-semantics 3.4), as values.
import type { Node } from '../../api/core/v1/types.generated.ts';
import { localReadyAddresses, type ServicePortPlan } from '../plan.ts';

export interface HealthResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const json = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };

export interface ServiceHealth {
  readonly namespace: string;
  readonly name: string;
  /** Distinct ready addresses on this node. */
  readonly localEndpoints: number;
}

/**
 * The health check node ports in force, with what each reports: how many addresses are ready on this node over all ports
 * of the Service, whatever its policies are. A Service of both families counts the one with more of them.
 */
export function serviceHealths(plans: Iterable<ServicePortPlan>): Map<number, ServiceHealth> {
  const healths = new Map<number, ServiceHealth>();
  const found = new Map<string, Set<string>>();
  for (const { servicePort, endpoints } of plans) {
    const { healthCheckNodePort: port, namespace, serviceName, family } = servicePort;
    if (port === undefined) continue;
    const key = `${port} ${family}`;
    const addresses = found.get(key) ?? new Set();
    found.set(key, addresses);
    for (const address of localReadyAddresses(endpoints)) addresses.add(address);
    const localEndpoints = Math.max(healths.get(port)?.localEndpoints ?? 0, addresses.size);
    healths.set(port, { namespace, name: serviceName, localEndpoints });
  }
  return healths;
}

/** For a load balancer that asks whether this node has endpoints of a Service. */
export function serviceHealthResponse(
  service: ServiceHealth,
  { healthy }: { readonly healthy: boolean },
): HealthResponse {
  const { namespace, name, localEndpoints } = service;
  return {
    status: localEndpoints > 0 && healthy ? 200 : 503,
    headers: { ...json, 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
    body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: healthy }, null, '\t'),
  };
}

export interface ProxyHealth {
  readonly healthy: boolean;
  /** Milliseconds since the Unix epoch, both. */
  readonly lastUpdated: number;
  readonly now: number;
  readonly families: readonly string[];
}

/** A node that is going, or that the autoscaler is about to remove, should get no new traffic. */
export function isNodeEligible(node: Readonly<Node> | undefined): boolean {
  if (!node || node.metadata.deletionTimestamp) return false;
  return !(node.spec?.taints ?? []).some((taint) => taint.key === 'ToBeDeletedByClusterAutoscaler');
}

/** /healthz counts the node's eligibility in, /livez (without it) does not. */
export function proxyHealthResponse(health: ProxyHealth, nodeEligible?: boolean): HealthResponse {
  const { healthy, families } = health;
  const lastUpdated = new Date(health.lastUpdated).toISOString();
  const body = {
    lastUpdated,
    currentTime: new Date(health.now).toISOString(),
    ...(nodeEligible === undefined ? {} : { nodeEligible }),
    healthy,
    status: Object.fromEntries(families.map((family) => [family, { lastUpdated, healthy }])),
  };
  return { status: healthy && nodeEligible !== false ? 200 : 503, headers: json, body: JSON.stringify(body) };
}
