// Which Services can have a say about a packet: rules of all others never match it, so they need not be made.

import type { Service } from '../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { AddressPort } from '../../netfilter/packet.ts';
import { canonicalIP } from '../../proxy/address.ts';

/** The Services by their doors, and what hangs on each: an index that packets are looked up in. */
export interface Doors {
  /** By canonical address. */
  readonly byAddress: ReadonlyMap<string, readonly string[]>;
  /** By node port, or port of a health check. */
  readonly byNodePort: ReadonlyMap<number, readonly string[]>;
  /** Services and slices by `namespace/name` of the Service. */
  readonly objectsOf: ReadonlyMap<string, readonly KubeObject[]>;
  /** Those that rules are made of whatever the packet: Nodes, and where there are NetworkPolicies whom they speak of. */
  readonly others: readonly KubeObject[];
}

export function doorsOf(objects: readonly KubeObject[]): Doors {
  const byAddress = new Map<string, string[]>();
  const byNodePort = new Map<number, string[]>();
  const objectsOf = new Map<string, KubeObject[]>();
  const others: KubeObject[] = [];
  const hasPolicies = objects.some(({ kind }) => kind === 'NetworkPolicy');
  const kinds = new Set(hasPolicies ? ['Node', 'NetworkPolicy', 'Namespace', 'Pod'] : ['Node']);
  for (const object of objects) {
    if (object.kind === 'Service') {
      const key = keyOf(object);
      add(objectsOf, key, object);
      const { addresses, nodePorts } = doorsOfService(object as Service);
      for (const address of addresses) add(byAddress, address, key);
      for (const port of nodePorts) add(byNodePort, port, key);
    } else if (object.kind === 'EndpointSlice') add(objectsOf, ownerOf(object as EndpointSlice), object);
    else if (kinds.has(object.kind ?? '')) others.push(object);
  }
  return { byAddress, byNodePort, objectsOf, others };
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function doorsOfService({ spec = {}, status }: Readonly<Service>) {
  const { clusterIPs = spec.clusterIP ? [spec.clusterIP] : [], externalIPs = [], ports = [] } = spec;
  const balancers = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const addresses = [...clusterIPs, ...externalIPs, ...balancers].flatMap((ip) => canonicalIP(ip) ?? []);
  const nodePorts = [...ports.map(({ nodePort }) => nodePort), spec.healthCheckNodePort];
  return { addresses: new Set(addresses), nodePorts: new Set(nodePorts.flatMap((port) => port || [])) };
}

/** Only the Services, with their slices, that have the address or a node port of the destination, and what is no Service's. */
export function relevantObjects(doors: Doors, destination: AddressPort): readonly KubeObject[] {
  const targets = [destination];
  const kept = new Set<string>();
  // A packet that was sent on to an endpoint may meet another Service there.
  for (const { address, port } of targets) {
    const keys = [
      ...(doors.byAddress.get(canonicalIP(address) ?? address) ?? []),
      ...(doors.byNodePort.get(port) ?? []),
    ];
    for (const key of keys) {
      if (kept.has(key)) continue;
      kept.add(key);
      for (const object of doors.objectsOf.get(key) ?? []) {
        if (object.kind === 'EndpointSlice') targets.push(...targetsOf(object as EndpointSlice));
      }
    }
  }
  return [...doors.others, ...[...kept].flatMap((key) => doors.objectsOf.get(key) ?? [])];
}

function targetsOf({ endpoints, ports }: Readonly<EndpointSlice>): AddressPort[] {
  return (endpoints ?? []).flatMap(({ addresses: [address] }) =>
    (ports ?? []).flatMap(({ port }) => (address && port ? { address, port } : [])),
  );
}

function keyOf({ metadata }: Readonly<KubeObject>): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

function ownerOf({ metadata }: Readonly<EndpointSlice>): string {
  return `${metadata.namespace ?? 'default'}/${metadata.labels?.[serviceNameLabel]}`;
}
