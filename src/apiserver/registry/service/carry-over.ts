// What an update takes over from the Service it replaces, so that applying the same manifest again changes nothing
// (service-semantics 1.4).
import {
  allocatesNodePorts,
  needsClusterIP,
  needsHealthCheckNodePort,
  nodePortsOf,
  sameClusterIPList,
} from '../../../api/core/v1/service/facts.ts';
import type { Service } from '../../../api/core/v1/types.generated.ts';

/** Allocated values that the new Service leaves out: cluster IPs, node ports (by the port's name), the health check's. */
export function carryOverAllocations(service: Service, old: Service): void {
  const { spec } = service;
  if (needsClusterIP(old) && needsClusterIP(service)) {
    spec.clusterIP ||= old.spec.clusterIP;
    if (!spec.clusterIPs?.length && old.spec.clusterIPs?.length) spec.clusterIPs = [...old.spec.clusterIPs];
  }
  if (allocatesNodePorts(old) && allocatesNodePorts(service)) carryOverNodePorts(service, old);
  if (needsHealthCheckNodePort(old) && needsHealthCheckNodePort(service)) {
    spec.healthCheckNodePort ||= old.spec.healthCheckNodePort;
  }
  for (const field of ['clusterIP', 'clusterIPs', 'healthCheckNodePort'] as const) {
    if (spec[field] === undefined) delete spec[field];
  }
}

function carryOverNodePorts({ spec, metadata }: Service, old: Service): void {
  const wanted = nodePortsOf({ spec, metadata });
  const byName = new Map((old.spec.ports ?? []).map(({ name = '', nodePort }) => [name, nodePort]));
  for (const port of spec.ports ?? []) {
    const before = byName.get(port.name ?? '');
    // A port that the new Service gives to another of its ports cannot stay here.
    if (!port.nodePort && before && !wanted.has(before)) port.nodePort = before;
  }
}

/** Makes clusterIP and clusterIPs agree where the client changed only the singular one. */
export function normalizeClusterIPs(service: Service, old?: Service): void {
  const { spec } = service;
  if (!old) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
    return;
  }
  if ((spec.clusterIP ?? '') === (old.spec.clusterIP ?? '') || !sameClusterIPList(service, old)) return;
  if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP];
  else delete spec.clusterIPs;
}
