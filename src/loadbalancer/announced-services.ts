// Follows the Services whose addresses are to be announced, and where the endpoints of those with policy Local are.

import { hasLoadBalancerFinalizer, wantsLoadBalancer } from '../api/core/v1/service/load-balancer.ts';
import type { Service } from '../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { announcedByAnnotation } from '../api/portico/v1/load-balancer-pool.ts';
import { objectKey } from '../apimachinery/object.ts';
import { endpointSlices, services } from '../client/resources.ts';
import type { Informer, Informers } from '../client/types.ts';
import { canonicalIP } from '../net/ip.ts';
import type { AnnouncedService } from './plan.ts';

export class AnnouncedServices {
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #announced = new Map<string, AnnouncedService>();
  readonly #changed: () => void;

  /** `changed` is called when what is to be announced may have changed. */
  constructor(informers: Informers, changed: () => void) {
    this.#services = informers.informer<Service>(services);
    this.#slices = informers.informer<EndpointSlice>(endpointSlices);
    this.#changed = changed;
  }

  async run(signal: AbortSignal): Promise<void> {
    const look = (service: Readonly<Service>) => this.#look(objectKey(service));
    this.#services.addHandler({ added: look, updated: look, deleted: look });
    const lookBehind = (slice: Readonly<EndpointSlice>) => this.#lookBehind(slice);
    this.#slices.addHandler({ added: lookBehind, updated: lookBehind, deleted: lookBehind });
    await Promise.all([this.#services.synced(signal), this.#slices.synced(signal)]);
  }

  get all(): ReadonlyMap<string, AnnouncedService> {
    return this.#announced;
  }

  /** The object behind a key, for those who write about it. */
  service(key: string): Readonly<Service> | undefined {
    const [namespace = '', name = ''] = key.split('/');
    return this.#services.lister.get(name, namespace);
  }

  #lookBehind({ metadata }: Readonly<EndpointSlice>): void {
    const name = metadata.labels?.[serviceNameLabel];
    const announced = this.#announced.get(`${metadata.namespace}/${name}`);
    if (announced?.localNodes) this.#look(announced.key);
  }

  #look(key: string): void {
    const service = this.service(key);
    const addresses = service ? announcedAddresses(service) : [];
    if (!service || addresses.length === 0) {
      if (this.#announced.delete(key)) this.#changed();
      return;
    }
    this.#announced.set(key, {
      key,
      addresses,
      localNodes: service.spec.externalTrafficPolicy === 'Local' ? this.#localNodes(service) : undefined,
      recorded: service.metadata.annotations?.[announcedByAnnotation],
    });
    this.#changed();
  }

  /** What the health check port of each node says: those with a ready endpoint. */
  #localNodes({ metadata }: Readonly<Service>): ReadonlySet<string> {
    const slices = this.#slices.lister
      .list(metadata.namespace)
      .filter((slice) => slice.metadata.labels?.[serviceNameLabel] === metadata.name);
    const ready = slices
      .flatMap(({ endpoints }) => endpoints ?? []) // null, where the slice has none
      .filter(({ conditions }) => conditions?.ready !== false);
    return new Set(ready.flatMap(({ nodeName }) => (nodeName ? [nodeName] : [])));
  }
}

/** Addresses that the service controller gave (its finalizer says so) and that nodes are to have for themselves. */
function announcedAddresses(service: Readonly<Service>): string[] {
  if (!wantsLoadBalancer(service) || !hasLoadBalancerFinalizer(service)) return [];
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode = 'VIP' }) => (ip && ipMode === 'VIP' ? (canonicalIP(ip) ?? []) : []));
}
