// What the zone's answers are made from: the cluster's Services and their ready endpoints, indexed as questions ask.
// Fed with API objects one by one; each change tells which Services' answers it touches.
import type { Namespace, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';

export interface PortRecord {
  /** Empty for an unnamed port. */
  readonly name: string;
  /** Lower case. */
  readonly protocol: string;
  readonly port: number;
}

export interface EndpointRecord {
  /** The label before the Service's name: the endpoint's hostname, or its address with dashes. */
  readonly name: string;
  readonly address: string;
  /** Empty for an endpoint of a Service without ports. */
  readonly ports: readonly PortRecord[];
}

export interface ServiceRecord {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'cluster-ip' | 'headless' | 'external-name';
  /** The ClusterIPs, primary first. */
  readonly addresses: readonly string[];
  readonly ports: readonly PortRecord[];
  readonly externalName: string;
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

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

/** The label of an address that has no hostname: `10-244-1-5`; IPv6 may not end in a dash (coredns kubernetes plugin). */
export function dashedAddress(address: string): string {
  const dashed = address.replaceAll(/[.:]/g, '-');
  return dashed.endsWith('-') ? `${dashed}0` : dashed;
}

export class ClusterZone implements ZoneView {
  readonly #namespaces = new Set<string>();
  readonly #services = new Map<string, ServiceRecord>();
  /** Per Service, its slices' endpoints by the slice's name. */
  readonly #slices = new Map<string, Map<string, readonly EndpointRecord[]>>();
  readonly #clusterIPs = new Map<string, Set<string>>();
  readonly #endpointAddresses = new Map<string, Set<string>>();
  readonly #pods = new Map<string, string[]>();
  serial = 0;

  hasNamespace(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  service(namespace: string, name: string): ServiceRecord | undefined {
    return this.#services.get(keyOf(namespace, name));
  }

  endpoints(namespace: string, name: string): readonly EndpointRecord[] {
    const slices = this.#slices.get(keyOf(namespace, name));
    if (!slices) return [];
    if (slices.size === 1) return slices.values().next().value ?? [];
    return [...slices.values()].flat();
  }

  serviceOfClusterIP(address: string): ServiceRecord | undefined {
    const [key] = this.#clusterIPs.get(address) ?? [];
    return key === undefined ? undefined : this.#services.get(key);
  }

  endpointsOfAddress(address: string) {
    return [...(this.#endpointAddresses.get(address) ?? [])].flatMap((key) => {
      const service = this.#services.get(key);
      if (!service) return [];
      const matching = this.endpoints(service.namespace, service.name).filter((e) => e.address === address);
      return matching.map((endpoint) => ({ service, endpoint }));
    });
  }

  hasPod(namespace: string, address: string): boolean {
    return this.#pods.get(address)?.includes(namespace) ?? false;
  }

  setNamespace({ metadata }: Readonly<Namespace>): void {
    this.#namespaces.add(metadata.name);
  }

  deleteNamespace({ metadata }: Readonly<Namespace>): void {
    this.#namespaces.delete(metadata.name);
  }

  /** Returns the key of the Service whose answers change. */
  setService(service: Readonly<Service>): string {
    const key = this.deleteService(service);
    const record = serviceRecord(service);
    this.#services.set(key, record);
    for (const address of record.addresses) addTo(this.#clusterIPs, address, key);
    return key;
  }

  deleteService({ metadata }: Readonly<Service>): string {
    const key = keyOf(metadata.namespace ?? '', metadata.name);
    for (const address of this.#services.get(key)?.addresses ?? []) removeFrom(this.#clusterIPs, address, key);
    this.#services.delete(key);
    return key;
  }

  /** Returns the key of the Service whose answers change, or undefined when the slice belongs to none. */
  setSlice(slice: Readonly<EndpointSlice>): string | undefined {
    const key = serviceKeyOf(slice);
    if (key === undefined) return undefined;
    this.deleteSlice(slice);
    const endpoints = endpointRecords(slice);
    const slices = this.#slices.get(key) ?? new Map<string, readonly EndpointRecord[]>();
    this.#slices.set(key, slices.set(slice.metadata.name, endpoints));
    for (const { address } of endpoints) addTo(this.#endpointAddresses, address, key);
    return key;
  }

  deleteSlice(slice: Readonly<EndpointSlice>): string | undefined {
    const key = serviceKeyOf(slice);
    const slices = key === undefined ? undefined : this.#slices.get(key);
    if (key === undefined || !slices) return key;
    const gone = slices.get(slice.metadata.name) ?? [];
    slices.delete(slice.metadata.name);
    if (slices.size === 0) this.#slices.delete(key);
    const left = new Set([...slices.values()].flat().map((e) => e.address));
    for (const { address } of gone) if (!left.has(address)) removeFrom(this.#endpointAddresses, address, key);
    return key;
  }

  setPod(pod: Readonly<Pod>): void {
    const { phase, podIPs = [] } = pod.status ?? {};
    const live = !pod.metadata.deletionTimestamp && !['Succeeded', 'Failed', 'Unknown'].includes(phase ?? '');
    if (!live) return;
    for (const { ip } of podIPs) {
      this.#pods.set(ip, [...(this.#pods.get(ip) ?? []), pod.metadata.namespace ?? '']);
    }
  }

  deletePod(pod: Readonly<Pod>): void {
    for (const { ip } of pod.status?.podIPs ?? []) {
      const namespaces = this.#pods.get(ip) ?? [];
      const index = namespaces.indexOf(pod.metadata.namespace ?? '');
      if (index >= 0) this.#pods.set(ip, namespaces.toSpliced(index, 1));
      if (this.#pods.get(ip)?.length === 0) this.#pods.delete(ip);
    }
  }
}

function addTo(index: Map<string, Set<string>>, address: string, key: string): void {
  const keys = index.get(address);
  if (keys) keys.add(key);
  else index.set(address, new Set([key]));
}

function removeFrom(index: Map<string, Set<string>>, address: string, key: string): void {
  const keys = index.get(address);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(address);
}

function serviceKeyOf({ metadata }: Readonly<EndpointSlice>): string | undefined {
  const name = metadata.labels?.[SERVICE_NAME_LABEL];
  return name === undefined ? undefined : keyOf(metadata.namespace ?? '', name);
}

function serviceRecord({ metadata, spec }: Readonly<Service>): ServiceRecord {
  const { type, clusterIP = '', clusterIPs } = spec;
  const addresses = clusterIPs?.length ? clusterIPs : clusterIP === '' ? [] : [clusterIP];
  const headless = addresses.length === 0 || addresses[0] === 'None';
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    kind: type === 'ExternalName' ? 'external-name' : headless ? 'headless' : 'cluster-ip',
    addresses: headless || type === 'ExternalName' ? [] : addresses,
    ports: (spec.ports ?? []).map(({ name = '', protocol = 'TCP', port }) => ({
      name,
      protocol: protocol.toLowerCase(),
      port,
    })),
    externalName: type === 'ExternalName' ? (spec.externalName ?? '') : '',
  };
}

/** The ready endpoints of a slice; `ready` unset counts as ready (discovery/v1 EndpointConditions). */
function endpointRecords(slice: Readonly<EndpointSlice>): EndpointRecord[] {
  const ports = (slice.ports ?? []).map(({ name = '', protocol = 'TCP', port = 0 }) => ({
    name,
    protocol: protocol.toLowerCase(),
    port,
  }));
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, hostname }) =>
      addresses.map((address) => ({ name: hostname || dashedAddress(address), address, ports })),
    );
}
