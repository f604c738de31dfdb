// What the API says that rules are made from. Only lists and watches; a connection that is lost changes nothing here.
import type { Node, Service } from '../api/core/v1/types.generated.ts';
import { headlessLabel } from '../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import type { ServiceCIDR } from '../api/networking/v1/types.generated.ts';
import { endpointSlices, nodes, serviceCIDRs, services } from '../client/resources.ts';
import type { Informer, Informers } from '../client/types.ts';
import { proxyNameLabel, withoutExternalIPs } from './service-port.ts';
import { ServiceView } from './service-view.ts';
import type { ChangedKind } from './sync-status.ts';

export interface InputsOptions {
  readonly informers: Informers;
  readonly nodeName: string;
  /**
   * `own` (default) watches only the Services and slices that a proxy needs; `shared` uses the informers of everything,
   * for a process that holds them anyway.
   */
  readonly watches?: 'own' | 'shared' | undefined;
  /** See {@link ProxySettings}. */
  readonly ignoreExternalIPs?: boolean | undefined;
  /** Whether to watch the ranges of cluster IPs, too. Nothing waits for them. */
  readonly followServiceCIDRs?: boolean | undefined;
  /** A Service or a slice changed: see `view`. */
  readonly onChange: (kind: ChangedKind) => void;
  /** The node or the ranges of cluster IPs changed. */
  readonly onConfiguration: () => void;
}

export class ProxyInputs {
  readonly view = new ServiceView();
  readonly #options: InputsOptions;
  readonly #ranges = new Map<string, Readonly<ServiceCIDR>>();
  #node: Readonly<Node> | undefined;

  constructor(options: InputsOptions) {
    this.#options = options;
  }

  /** The node as it was last seen; a node that is deleted keeps its rules until it is registered again. */
  get node(): Readonly<Node> | undefined {
    return this.#node;
  }

  /** The ranges of cluster IPs that the API knows, sorted. */
  get serviceCIDRs(): readonly string[] {
    return [...this.#ranges.values()].flatMap(({ spec }) => spec?.cidrs ?? []).sort();
  }

  /** Watches the objects, and waits until the first list of each is here; rejects when the signal aborts first. */
  async follow(signal: AbortSignal): Promise<void> {
    const { informers, nodeName, watches = 'own', followServiceCIDRs = false } = this.#options;
    const own = watches === 'own';
    const node = informers.informer<Node>(nodes, own ? { fieldSelector: `metadata.name=${nodeName}` } : {});
    const service = informers.informer<Service>(
      services,
      // Servers before 1.31 know no such selector.
      own
        ? { labelSelector: `!${proxyNameLabel}`, fieldSelector: 'spec.clusterIP!=None', isFieldSelectorOptional: true }
        : {},
    );
    const slice = informers.informer<EndpointSlice>(endpointSlices, own ? { labelSelector: `!${headlessLabel}` } : {});
    this.#followNode(node);
    this.#followObjects(service, slice);
    if (followServiceCIDRs) this.#followRanges(informers.informer<ServiceCIDR>(serviceCIDRs));
    await Promise.all([node.synced(signal), service.synced(signal), slice.synced(signal)]);
  }

  #followNode(informer: Informer<Node>): void {
    const set = (node: Readonly<Node>) => {
      if (node.metadata.name !== this.#options.nodeName) return;
      this.#node = node;
      this.#options.onConfiguration();
    };
    informer.addHandler({ added: set, updated: set });
  }

  #followObjects(service: Informer<Service>, slice: Informer<EndpointSlice>): void {
    const follow =
      <T>(kind: ChangedKind, take: (object: Readonly<T>) => void) =>
      (object: Readonly<T>) => {
        take(object);
        this.#options.onChange(kind);
      };
    const { ignoreExternalIPs = false } = this.#options;
    const setService = follow<Service>('service', (object) =>
      this.view.setService(ignoreExternalIPs ? withoutExternalIPs(object) : object),
    );
    service.addHandler({
      added: setService,
      updated: setService,
      deleted: follow<Service>('service', (object) => this.view.deleteService(object)),
    });
    const setSlice = follow<EndpointSlice>('endpoint', (object) => this.view.setSlice(object));
    slice.addHandler({
      added: setSlice,
      updated: setSlice,
      deleted: follow<EndpointSlice>('endpoint', (object) => this.view.deleteSlice(object)),
    });
  }

  #followRanges(informer: Informer<ServiceCIDR>): void {
    const set = (range: Readonly<ServiceCIDR>) => {
      this.#ranges.set(range.metadata.name, range);
      this.#options.onConfiguration();
    };
    informer.addHandler({
      added: set,
      updated: set,
      deleted: (range) => {
        this.#ranges.delete(range.metadata.name);
        this.#options.onConfiguration();
      },
    });
  }
}
