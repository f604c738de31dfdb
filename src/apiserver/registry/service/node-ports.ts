// Which node ports a Service takes and gives back (service-semantics 1.7).
import {
  allocatesNodePorts,
  needsHealthCheckNodePort,
  nodePortsOf,
  usesNodePorts,
} from '../../../api/core/v1/service/facts.ts';
import type { Service } from '../../../api/core/v1/types.generated.ts';
import { internalError, invalid, StatusError } from '../../../apimachinery/status.ts';
import { fieldError } from '../../../apimachinery/validation/field-error.ts';
import type { Claims } from './claims.ts';

function refusal(service: Service, index: number, port: number, why: string): Error {
  const error = fieldError.invalid(`spec.ports[${index}].nodePort`, port, why);
  return invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [error]);
}

/** Of a new Service. Ports of the same number (TCP and UDP) share one node port. */
export async function takeNodePorts(service: Service, claims: Claims): Promise<void> {
  if (!usesNodePorts(service)) return;
  const ports = service.spec.ports ?? [];
  const byPort = new Map<number, number>();
  for (const [i, servicePort] of ports.entries()) {
    if (!servicePort.nodePort && !allocatesNodePorts(service)) continue;
    const shared = byPort.get(servicePort.port);
    if (shared !== undefined && (!servicePort.nodePort || servicePort.nodePort === shared)) {
      servicePort.nodePort = shared;
      continue;
    }
    const wanted =
      servicePort.nodePort || ports.find(({ port, nodePort }) => port === servicePort.port && nodePort)?.nodePort;
    if (wanted) {
      const why = await claims.takeNodePort(wanted);
      if (why) throw refusal(service, i, wanted, why);
    }
    servicePort.nodePort = wanted ?? claims.takeAnyNodePort('nodePort');
    if (shared === undefined) byPort.set(servicePort.port, servicePort.nodePort);
  }
}

/** Of a changed Service: new ports are taken, those it no longer has given back. */
export async function updateNodePorts(service: Service, old: Service, claims: Claims): Promise<void> {
  const before = usesNodePorts(old) ? nodePortsOf(old) : new Set<number>();
  if (usesNodePorts(service)) {
    const taken = new Set<number>();
    const pairs = new Set<string>();
    for (const [i, servicePort] of (service.spec.ports ?? []).entries()) {
      const { nodePort, protocol } = servicePort;
      if (!nodePort) {
        if (allocatesNodePorts(service)) servicePort.nodePort = claims.takeAnyNodePort('nodePort');
      } else if (!before.has(nodePort) && !taken.has(nodePort)) {
        const why = await claims.takeNodePort(nodePort);
        if (why) throw refusal(service, i, nodePort, why);
        taken.add(nodePort);
      }
      if (!servicePort.nodePort) continue;
      const pair = `{${protocol} ${servicePort.nodePort}}`;
      // Upstream's error here has neither a reason nor a field.
      if (pairs.has(pair)) throw new StatusError({ code: 500, message: `duplicate nodePort: ${pair}` });
      pairs.add(pair);
    }
  }
  const now = usesNodePorts(service) ? nodePortsOf(service) : new Set<number>();
  for (const port of before) if (!now.has(port)) await claims.releaseNodePort(port);
}

/** The port where a load balancer asks a node whether it has local endpoints. */
export async function updateHealthCheckNodePort(
  service: Service,
  old: Service | undefined,
  claims: Claims,
): Promise<void> {
  const needs = needsHealthCheckNodePort(service);
  const had = old !== undefined && needsHealthCheckNodePort(old);
  const { spec } = service;
  // That a port in use stays is for validation to say.
  if (needs && had) return;
  if (needs) {
    const wanted = spec.healthCheckNodePort;
    if (wanted) {
      const why = await claims.takeNodePort(wanted);
      if (why) throw internalError(`failed to allocate requested HealthCheck NodePort ${wanted}: ${why}`);
    } else {
      spec.healthCheckNodePort = claims.takeAnyNodePort('HealthCheck NodePort 0');
    }
  }
  if (had && old.spec.healthCheckNodePort) await claims.releaseNodePort(old.spec.healthCheckNodePort);
}
