// What is wrong between Services and their allocations, and what mends it (service-semantics 1.5 and 1.7). Allocations
// are written with their Services, so that little can go wrong by itself: but people delete IPAddress objects, restore
// parts of a store, and shrink ranges.
import { clusterIPNone, nodePortsOf } from '../../../api/core/v1/service/facts.ts';
import type { ObjectReference, Service } from '../../../api/core/v1/types.generated.ts';
import type { IPAddress } from '../../../api/networking/v1/types.generated.ts';
import { type CanonicalIP, canonicalIP, familyOf } from '../../../net/ip.ts';
import type { NodePortRecord } from './keys.ts';

/** A Warning that goes to a Service or to an IPAddress. */
export interface Complaint {
  readonly about: ObjectReference;
  readonly reason: string;
  readonly message: string;
}

export interface RepairInput {
  readonly services: readonly Service[];
  readonly addresses: readonly IPAddress[];
  readonly ports: ReadonlyMap<number, NodePortRecord>;
  readonly isServiceIP: (ip: CanonicalIP) => boolean;
  readonly nodePorts: { readonly first: number; readonly last: number };
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface RepairPlan {
  readonly complaints: readonly Complaint[];
  /** Addresses to record for a Service; an IPAddress with that name, if there is one, is replaced. */
  readonly recordIPs: readonly { readonly ip: CanonicalIP; readonly service: Service }[];
  readonly dropIPs: readonly string[];
  readonly recordPorts: readonly { readonly port: number; readonly service: Service }[];
  /** Ports that no Service has: given back once they were seen so for several passes. */
  readonly leakedPorts: readonly number[];
}

const managedBy = 'ipaddress.kubernetes.io/managed-by';
const familyLabel = 'ipaddress.kubernetes.io/ip-family';
const allocator = 'ipallocator.k8s.io';
/** How long an address without its Service may be one whose Service is just being made. */
const graceMs = 60_000;
const recentGraceMs = 5_000;

export function planRepair(input: RepairInput): RepairPlan {
  const complaints: Complaint[] = [];
  const byName = new Map(input.services.map((service) => [keyOf(service.metadata), service]));
  const recordIPs = repairServiceIPs(input, byName, complaints);
  const dropIPs = dropStrayAddresses(input, byName, complaints);
  const recordPorts = repairPorts(input, byName, complaints);
  const used = new Set(input.services.flatMap((service) => [...portsOf(service)]));
  const leakedPorts = [...input.ports.keys()].filter((port) => !used.has(port));
  return { complaints, recordIPs, dropIPs, recordPorts, leakedPorts };
}

function keyOf({ namespace = '', name = '' }: { readonly namespace?: string; readonly name?: string }): string {
  return `${namespace}/${name}`;
}

function portsOf(service: Service): Set<number> {
  const ports = nodePortsOf(service);
  if (service.spec.healthCheckNodePort) ports.add(service.spec.healthCheckNodePort);
  return ports;
}

function ipsOf({ spec }: Service): readonly string[] {
  if (spec.type === 'ExternalName') return [];
  return (spec.clusterIPs ?? []).filter((ip) => ip !== '' && ip !== clusterIPNone);
}

function about({ metadata }: Service): ObjectReference {
  return { kind: 'Service', apiVersion: 'v1', ...pick(metadata) };
}

function pick({ namespace, name, uid }: { namespace?: string; name: string; uid?: string }): ObjectReference {
  return { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) };
}

function repairServiceIPs(
  { services, addresses, isServiceIP }: RepairInput,
  byName: ReadonlyMap<string, Service>,
  complaints: Complaint[],
): { ip: CanonicalIP; service: Service }[] {
  const known = new Map(addresses.map((address) => [address.metadata.name, address]));
  const record: { ip: CanonicalIP; service: Service }[] = [];
  for (const service of services) {
    const complain = (reason: string, message: string): number =>
      complaints.push({ about: about(service), reason, message });
    for (const text of ipsOf(service)) {
      const ip = canonicalIP(text);
      if (!ip) {
        complain('ClusterIPNotValid', `Cluster IP ${text} is not a valid IP; please recreate Service`);
        continue;
      }
      const where = `Cluster IP [${familyOf(ip)}]: ${ip}`;
      const address = known.get(ip);
      if (!isServiceIP(ip)) {
        complain('ClusterIPOutOfRange', `${where} is not within any configured Service CIDR; please recreate service`);
      } else if (!address) {
        complain('ClusterIPNotAllocated', `${where} is not allocated; repairing`);
        record.push({ ip, service });
      } else if (isRecordOf(address, service)) {
        if (!hasLabels(address, ip)) record.push({ ip, service });
      } else {
        const { parentRef } = address.spec;
        const other = parentRef.resource === 'services' ? byName.get(keyOf(parentRef)) : undefined;
        if (other && ipsOf(other).some((theirs) => canonicalIP(theirs) === ip)) {
          complain('ClusterIPAlreadyAllocated', `${where} was assigned to multiple services; please recreate service`);
        } else {
          complain('ClusterIPNotAllocated', `${where} has a wrong reference; repairing`);
          record.push({ ip, service });
        }
      }
    }
  }
  return record;
}

function isRecordOf({ spec }: IPAddress, { metadata }: Service): boolean {
  const { parentRef } = spec;
  return !parentRef.group && parentRef.resource === 'services' && keyOf(parentRef) === keyOf(metadata);
}

function hasLabels({ metadata }: IPAddress, ip: CanonicalIP): boolean {
  return metadata.labels?.[managedBy] === allocator && metadata.labels[familyLabel] === familyOf(ip);
}

function dropStrayAddresses(
  { addresses, now }: RepairInput,
  byName: ReadonlyMap<string, Service>,
  complaints: Complaint[],
): string[] {
  const drop: string[] = [];
  for (const address of addresses) {
    // What others made is theirs.
    if (address.metadata.labels?.[managedBy] !== allocator) continue;
    const { parentRef } = address.spec;
    const { name, creationTimestamp = '' } = address.metadata;
    const made = Date.parse(creationTimestamp) || 0;
    const complain = (reason: string, message: string): void => {
      complaints.push({
        about: { kind: 'IPAddress', apiVersion: 'networking.k8s.io/v1', ...pick(address.metadata) },
        reason,
        message,
      });
      drop.push(name);
    };
    if (parentRef.group || parentRef.resource !== 'services') {
      complain('IPAddressNotAllocated', `IPAddress ${name} references no Service; cleaning up`);
      continue;
    }
    const service = byName.get(keyOf(parentRef));
    if (!service) {
      if (now - made > graceMs) {
        complain(
          'IPAddressNotAllocated',
          `IPAddress: ${name} for Service ${keyOf(parentRef)} appears to have leaked: cleaning up`,
        );
      }
      continue;
    }
    if (ipsOf(service).some((ip) => canonicalIP(ip) === name)) continue;
    const newer = made > (Date.parse(service.metadata.creationTimestamp ?? '') || 0);
    const grace = service.spec.type === 'ExternalName' ? graceMs : newer ? recentGraceMs : 0;
    if (now - made > grace) {
      complain(
        'IPAddressWrongReference',
        `IPAddress: ${name} for Service ${keyOf(parentRef)} has a wrong reference; cleaning up`,
      );
    }
  }
  return drop;
}

function repairPorts(
  { services, ports, nodePorts }: RepairInput,
  byName: ReadonlyMap<string, Service>,
  complaints: Complaint[],
): { port: number; service: Service }[] {
  const record: { port: number; service: Service }[] = [];
  for (const service of services) {
    for (const port of portsOf(service)) {
      const complain = (reason: string, message: string): number =>
        complaints.push({ about: about(service), reason, message });
      const owner = ports.get(port);
      const other = owner && keyOf(owner) !== keyOf(service.metadata) ? byName.get(keyOf(owner)) : undefined;
      if (port < nodePorts.first || port > nodePorts.last) {
        const range = `${nodePorts.first}-${nodePorts.last}`;
        complain('PortOutOfRange', `Port ${port} is not within the port range ${range}; please recreate service`);
      } else if (other && portsOf(other).has(port)) {
        complain('PortAlreadyAllocated', `Port ${port} was assigned to multiple services; please recreate service`);
      } else if (!owner || keyOf(owner) !== keyOf(service.metadata)) {
        complain('PortNotAllocated', `Port ${port} is not allocated; repairing`);
        record.push({ port, service });
      }
    }
  }
  return record;
}
