// What the zone's answers are made from: the cluster's Services and their ready endpoints, indexed as questions ask.
// Fed with API objects one by one; each change tells which answers it touches, as their dependencies (./dependency.ts),
// and none where it changes nothing that answers show.
// Nothing of the objects themselves is kept: a hundred thousand names must fit into memory.

import type { Namespace, Pod, Service } from '../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { MultiMap } from '../multi-map.ts';
import { dependencyOn } from './dependency.ts';
import { type PortRecord, portRecord, type ServiceRecord, ServiceTable } from './service-table.ts';
import { SharedValues } from './shared-values.ts';

export interface EndpointRecord {
  /** The endpoint's own hostname; empty means its address with dashes. */
  readonly hostname: string;
  readonly address: string;
  /** The address is a name (addressType FQDN). */
  readonly isName?: true;
  /** Empty for an endpoint of a Service without ports. */
  readonly ports: readonly PortRecord[];
}

/** Read access for answers. Names are lower case. */
export interface ZoneView {
  hasNamespace(namespace: string): boolean;
  service(namespace: string, name: string): ServiceRecord | undefined;
  /** The ready endpoints of a Service, in the order of their slices. */
  endpoints(namespace: string, name: string): readonly EndpointRecord[];
  serviceOfClusterIP(address: string): ServiceRecord | undefined;
  /** Each Service that has a ready endpoint of this address, with the endpoint. */
  endpointsOfAddress(
    address: string,
  ): readonly { readonly service: ServiceRecord; readonly endpoint: EndpointRecord }[];
  /** Whether a live Pod of the namespace has this address. */
  hasPod(namespace: string, address: string): boolean;
  /** Seconds since the epoch of the last change: the SOA's serial. */
  readonly serial: number;
}

const keyOf = dependencyOn.service;

/** The label before the Service's name that stands for this endpoint. */
export function endpointName({ hostname, address }: EndpointRecord): string {
  return hostname || dashedAddress(address);
}

/** The label of an address that has no hostname: `10-244-1-5`; IPv6 may not end in a dash (coredns kubernetes plugin). */
function dashedAddress(address: string): string {
  const dashed = address.replaceAll(/[.:]/g, '-');
  return dashed.endsWith('-') ? `${dashed}0` : dashed;
}

export class ClusterZone implements ZoneView {
  readonly #namespaces = new Set<string>();
  readonly #services = new ServiceTable();
  /** Per Service, its slices' endpoints by the slice's name. */
  readonly #slices = new Map<string, Map<string, readonly EndpointRecord[]>>();
  readonly #endpointAddresses = new MultiMap();
  readonly #podsOfAddress = new MultiMap();
  readonly #addressesOfPod = new Map<string, readonly string[]>();
  readonly #ports = new SharedValues<readonly PortRecord[]>();
  serial = 0;

  hasNamespace(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  service(namespace: string, name: string): ServiceRecord | undefined {
    return this.#services.get(keyOf(namespace, name));
  }

  endpoints(namespace: string, name: string): readonly EndpointRecord[] {
    return this.#endpointsOf(keyOf(namespace, name));
  }

  serviceOfClusterIP(address: string): ServiceRecord | undefined {
    return this.#services.ofClusterIP(address);
  }

  endpointsOfAddress(address: string) {
    return [...this.#endpointAddresses.get(address)].flatMap((key) => {
      const service = this.#services.get(key);
      if (!service) return [];
      const matching = this.#endpointsOf(key).filter((e) => e.address === address);
      return matching.map((endpoint) => ({ service, endpoint }));
    });
  }

  hasPod(namespace: string, address: string): boolean {
    for (const key of this.#podsOfAddress.get(address)) if (key.startsWith(`${namespace}/`)) return true;
    return false;
  }

  /** The namespace of the live Pod that has this address. */
  namespaceOfPod(address: string): string | undefined {
    for (const key of this.#podsOfAddress.get(address)) return key.slice(0, key.indexOf('/'));
    return undefined;
  }

  setNamespace({ metadata }: Readonly<Namespace>): string[] {
    if (this.#namespaces.has(metadata.name)) return [];
    this.#namespaces.add(metadata.name);
    return [dependencyOn.namespace(metadata.name)];
  }

  deleteNamespace({ metadata }: Readonly<Namespace>): string[] {
    this.#namespaces.delete(metadata.name);
    return [dependencyOn.namespace(metadata.name)];
  }

  setService(service: Readonly<Service>): string[] {
    const key = keyOf(service.metadata.namespace ?? '', service.metadata.name);
    const before = this.#services.get(key);
    this.#services.set(service);
    const after = this.#services.get(key);
    return before && equal(before, after) ? [] : this.#touched(key, before, after);
  }

  deleteService({ metadata }: Readonly<Service>): string[] {
    const key = keyOf(metadata.namespace ?? '', metadata.name);
    const before = this.#services.get(key);
    this.#services.delete(key);
    return this.#touched(key, before, undefined);
  }

  setSlice(slice: Readonly<EndpointSlice>): string[] {
    const key = serviceKeyOf(slice);
    if (key === undefined) return [];
    const endpoints = this.#endpointRecords(slice);
    const known = this.#slices.get(key)?.get(slice.metadata.name);
    if (known && equal(known, endpoints)) return [];
    const gone = this.deleteSlice(slice);
    const slices = this.#slices.get(key) ?? new Map<string, readonly EndpointRecord[]>();
    this.#slices.set(key, slices.set(slice.metadata.name, endpoints));
    for (const { address } of endpoints) this.#endpointAddresses.add(address, key);
    return [...gone, key, ...endpoints.map(({ address }) => dependencyOn.address(address))];
  }

  /** Of the old slice, only its metadata counts: it may have been another Service's. */
  updateSlice(old: Readonly<EndpointSlice>, slice: Readonly<EndpointSlice>): string[] {
    const moved = serviceKeyOf(old) !== serviceKeyOf(slice);
    return [...(moved ? this.deleteSlice(old) : []), ...this.setSlice(slice)];
  }

  /** Of the slice, only its metadata counts. */
  deleteSlice(slice: Readonly<EndpointSlice>): string[] {
    const key = serviceKeyOf(slice);
    const slices = key === undefined ? undefined : this.#slices.get(key);
    const gone = slices?.get(slice.metadata.name);
    if (key === undefined || !slices || !gone) return [];
    slices.delete(slice.metadata.name);
    if (slices.size === 0) this.#slices.delete(key);
    const left = new Set(this.#endpointsOf(key).map((e) => e.address));
    for (const { address } of gone) if (!left.has(address)) this.#endpointAddresses.remove(address, key);
    return [key, ...gone.map(({ address }) => dependencyOn.address(address))];
  }

  setPod(pod: Readonly<Pod>): string[] {
    const { phase, podIPs = [] } = pod.status ?? {};
    const live = !pod.metadata.deletionTimestamp && !['Succeeded', 'Failed', 'Unknown'].includes(phase ?? '');
    const key = keyOf(pod.metadata.namespace ?? '', pod.metadata.name);
    const addresses = live ? podIPs.map(({ ip }) => ip) : [];
    if (equal(this.#addressesOfPod.get(key) ?? [], addresses)) return [];
    const gone = this.deletePod(pod);
    if (addresses.length === 0) return gone;
    this.#addressesOfPod.set(key, addresses);
    for (const address of addresses) this.#podsOfAddress.add(address, key);
    return [...gone, ...addresses.map(dependencyOn.address)];
  }

  /** Of the Pod, only its metadata counts. */
  deletePod({ metadata }: Readonly<Pod>): string[] {
    const key = keyOf(metadata.namespace ?? '', metadata.name);
    const addresses = this.#addressesOfPod.get(key) ?? [];
    this.#addressesOfPod.delete(key);
    for (const address of addresses) this.#podsOfAddress.remove(address, key);
    return addresses.map(dependencyOn.address);
  }

  #endpointsOf(key: string): readonly EndpointRecord[] {
    const slices = this.#slices.get(key);
    if (!slices) return [];
    if (slices.size === 1) return slices.values().next().value ?? [];
    return [...slices.values()].flat();
  }

  /** A Service that comes or goes takes the reverse names of its endpoints with it. */
  #touched(key: string, before: ServiceRecord | undefined, after: ServiceRecord | undefined): string[] {
    const addresses = [...(before?.addresses ?? []), ...(after?.addresses ?? [])];
    if (!before || !after) addresses.push(...this.#endpointsOf(key).map(({ address }) => address));
    return [key, ...addresses.map(dependencyOn.address)];
  }

  /** The ready endpoints of a slice; `ready` unset counts as ready (discovery/v1 EndpointConditions). */
  #endpointRecords(slice: Readonly<EndpointSlice>): EndpointRecord[] {
    const named = slice.addressType === 'FQDN' ? ({ isName: true } as const) : undefined;
    const ports = this.#ports.of((slice.ports ?? []).map(portRecord));
    return (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses, hostname = '' }) => addresses.map((address) => ({ hostname, address, ports, ...named })));
  }
}

/** Most changes of an object (labels, conditions, hints) change no answer. What is compared is small, and in one order. */
function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function serviceKeyOf({ metadata }: Readonly<EndpointSlice>): string | undefined {
  const name = metadata.labels?.[serviceNameLabel];
  return name === undefined ? undefined : keyOf(metadata.namespace ?? '', name);
}
