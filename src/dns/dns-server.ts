// Cluster DNS: follows Services, EndpointSlices and Namespaces, and answers for them.
import type { Namespace, Pod, Service } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import type { Informers } from '../client/types.ts';
import { type CIDR, containsText, parseCIDR } from '../net/cidr.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { askOverNetwork } from './forward/ask.ts';
import { Forwarder, type Upstream } from './forward/forwarder.ts';
import { type ListenAddress, listen } from './listener.ts';
import { Responder } from './respond.ts';
import type { ZoneConfig } from './zone/answer.ts';
import { addressOfReverseName } from './zone/reverse.ts';
import { ClusterZone } from './zone/view.ts';

export interface DnsServerOptions {
  readonly informers: Informers;
  readonly listen: readonly ListenAddress[];
  /** Where questions that are not the cluster's go; none answers them with SERVFAIL. */
  readonly upstreams: readonly Upstream[];
  /** The cluster's domain without a final dot. */
  readonly domain?: string;
  /** Seconds; 0 to 3600. */
  readonly ttl?: number;
  readonly pods?: ZoneConfig['pods'];
  /** Pod and Service ranges: their addresses' names are answered here and never forwarded. */
  readonly clusterCIDRs: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** Told once the sockets are open. */
  readonly onListening?: (addresses: readonly ListenAddress[]) => void;
  /** Told once the first lists are in: from now on the zone is answered. */
  readonly onReady?: () => void;
}

/** Before the first lists are in, the zone's questions get SERVFAIL at once: the client asks again. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #zone = new ClusterZone();
  readonly #responder: Responder;
  readonly #clusterCIDRs: readonly CIDR[];
  #awaited = 3;

  constructor(options: DnsServerOptions) {
    this.#options = options;
    this.#clusterCIDRs = options.clusterCIDRs.map(parseCIDR).filter((cidr) => cidr !== undefined);
    const { domain = 'cluster.local', ttl = 30, pods = 'insecure', upstreams, clock, random } = options;
    this.#responder = new Responder({
      view: this.#zone,
      config: {
        zone: `${domain.toLowerCase()}.`,
        ttl,
        pods,
        serverAddresses: options.listen.map(({ address }) => address),
      },
      forwarder: new Forwarder({ upstreams, ask: askOverNetwork(random), clock }),
      random,
      ready: () => this.ready,
      ownsAddress: (name) => this.#ownsAddress(name),
    });
  }

  /** Whether Services, EndpointSlices and Namespaces are all there. */
  get ready(): boolean {
    return this.#awaited === 0;
  }

  /** Serves until the signal aborts. Rejects when an address cannot be listened on. */
  async run(signal: AbortSignal): Promise<void> {
    this.#follow();
    const addresses = await this.#listen(signal);
    this.#options.onListening?.(addresses);
    const ended = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => ended.resolve(), { once: true });
    if (!signal.aborted) await ended.promise;
  }

  #listen(signal: AbortSignal): Promise<ListenAddress[]> {
    return listen(this.#options.listen, (packet, transport) => this.#responder.respond(packet, transport), signal);
  }

  #follow(): void {
    const { informers, pods } = this.#options;
    const zone = this.#zone;
    const synced = () => this.#synced();
    informers.informer<Service>({ group: '', version: 'v1', resource: 'services' }).addHandler({
      added: (service) => this.#changed(zone.setService(service)),
      updated: (service) => this.#changed(zone.setService(service)),
      deleted: (service) => this.#changed(zone.deleteService(service)),
      synced,
    });
    const slices = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };
    informers.informer<EndpointSlice>(slices).addHandler({
      added: (slice) => this.#changed(zone.setSlice(slice)),
      updated: (slice, old) => this.#changed(zone.deleteSlice(old), zone.setSlice(slice)),
      deleted: (slice) => this.#changed(zone.deleteSlice(slice)),
      synced,
    });
    informers.informer<Namespace>({ group: '', version: 'v1', resource: 'namespaces' }).addHandler({
      added: (namespace) => this.#changed(void zone.setNamespace(namespace)),
      deleted: (namespace) => this.#changed(void zone.deleteNamespace(namespace)),
      synced,
    });
    if (pods === 'verified') this.#followPods();
  }

  #followPods(): void {
    this.#awaited += 1;
    this.#options.informers.informer<Pod>({ group: '', version: 'v1', resource: 'pods' }).addHandler({
      added: (pod) => this.#changed(void this.#zone.setPod(pod)),
      updated: (pod, old) => {
        this.#zone.deletePod(old);
        this.#changed(void this.#zone.setPod(pod));
      },
      deleted: (pod) => this.#changed(void this.#zone.deletePod(pod)),
      synced: () => this.#synced(),
    });
  }

  #synced(): void {
    this.#awaited -= 1;
    if (this.ready) this.#options.onReady?.();
  }

  #changed(...services: (string | undefined)[]): void {
    this.#zone.serial = Math.floor(this.#options.clock.now() / 1000);
    this.#responder.invalidate(services.filter((key) => key !== undefined));
  }

  #ownsAddress(reverseName: string): boolean {
    if (this.#options.upstreams.length === 0) return true;
    const address = addressOfReverseName(reverseName);
    return address === undefined || this.#clusterCIDRs.some((cidr) => containsText(cidr, address));
  }
}
