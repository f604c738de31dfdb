// Services and their slices, side by side, and which of them changed.

import type { Service } from '../api/core/v1/types.generated.ts';
import { headlessLabel, serviceNameLabel } from '../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { objectKey } from '../apimachinery/object.ts';
import type { IPFamily } from '../net/ip.ts';
import { endpointsOf } from './endpoint.ts';
import { type ProxyNode, planServicePort, type ServicePortPlan } from './plan.ts';
import { servicePorts } from './service-port.ts';
import type { Sources } from './written.ts';

interface Entry {
  service?: Readonly<Service>;
  readonly slices: Map<string, Readonly<EndpointSlice>>;
}

/** The key of the Service that a slice belongs to; undefined for slices that are not for kube-proxy. */
function serviceKeyOf(slice: Readonly<EndpointSlice>): string | undefined {
  const { labels, namespace } = slice.metadata;
  const name = labels?.[serviceNameLabel];
  if (!name || labels?.[headlessLabel] !== undefined) return undefined;
  return `${namespace ?? 'default'}/${name}`;
}

/** Follows Services and EndpointSlices; knows by name what changed since it was last asked. */
export class ServiceView {
  readonly #entries = new Map<string, Entry>();
  /** Which Service each slice was counted to, since its label may change. */
  readonly #owners = new Map<string, string>();
  readonly #changed = new Set<string>();

  setService(service: Readonly<Service>): void {
    const key = keyOf(service);
    this.#entry(key).service = service;
    this.#changed.add(key);
  }

  deleteService(service: Readonly<Service>): void {
    const key = keyOf(service);
    const entry = this.#entries.get(key);
    if (!entry) return;
    delete entry.service;
    this.#tidy(key, entry);
    this.#changed.add(key);
  }

  setSlice(slice: Readonly<EndpointSlice>): void {
    const sliceKey = keyOf(slice);
    const key = serviceKeyOf(slice);
    const previous = this.#owners.get(sliceKey);
    if (previous !== undefined && previous !== key) this.deleteSlice(slice);
    if (key === undefined) return;
    this.#owners.set(sliceKey, key);
    this.#entry(key).slices.set(sliceKey, slice);
    this.#changed.add(key);
  }

  deleteSlice(slice: Readonly<EndpointSlice>): void {
    const sliceKey = keyOf(slice);
    const key = this.#owners.get(sliceKey);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || !entry) return;
    this.#owners.delete(sliceKey);
    entry.slices.delete(sliceKey);
    this.#tidy(key, entry);
    this.#changed.add(key);
  }

  /** Names (`namespace/name`) of the Services of which anything changed, each once; forgets them. */
  takeChanged(): string[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** The names of all Services, in no order. */
  names(): Iterable<string> {
    return this.#entries.keys();
  }

  service(name: string): Readonly<Service> | undefined {
    return this.#entries.get(name)?.service;
  }

  /** The objects that the plans of a Service are made of; undefined when there is no such Service. */
  sources(name: string): Sources | undefined {
    const entry = this.#entries.get(name);
    return entry?.service && { service: entry.service, slices: slicesOf(entry) };
  }

  /** The plans of all ports of a Service on a node; none when there is no such Service. */
  plans(name: string, family: IPFamily, node: ProxyNode): ServicePortPlan[] {
    const entry = this.#entries.get(name);
    if (!entry?.service) return [];
    const slices = slicesOf(entry);
    return servicePorts(entry.service, family).map((servicePort) =>
      planServicePort(servicePort, endpointsOf(servicePort, slices, node.name), node),
    );
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { slices: new Map() };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #tidy(key: string, entry: Entry): void {
    if (!entry.service && entry.slices.size === 0) this.#entries.delete(key);
  }
}

/** In the order of their names, so that the order of events does not show. */
function slicesOf({ slices }: Entry): Readonly<EndpointSlice>[] {
  if (slices.size < 2) return [...slices.values()];
  return [...slices].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, slice]) => slice);
}

function keyOf(object: Readonly<Service> | Readonly<EndpointSlice>): string {
  return object.metadata.namespace ? objectKey(object) : `default/${object.metadata.name}`;
}
