// Cluster DNS: follows Services, EndpointSlices and Namespaces, and answers for them.
import type { Namespace, Pod, Service } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { endpointSlices, namespaces, pods, services } from '../client/resources.ts';
import type { Informers } from '../client/types.ts';
import type { Family } from '../metrics/metric.ts';
import { type CIDR, containsText, parseCIDR } from '../net/cidr.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { Exchange } from './forward/exchange.ts';
import { Forwarder } from './forward/forwarder.ts';
import { LoopToken } from './forward/loop-token.ts';
import { type ListenAddress, listen } from './listener.ts';
import { MeteredResponder } from './metered-responder.ts';
import { ForwardMetrics } from './metrics/forward-metrics.ts';
import { serveHttpEndpoints } from './metrics/http-endpoints.ts';
import { ProgrammingMetrics } from './metrics/programming-metrics.ts';
import { QueryMetrics } from './metrics/query-metrics.ts';
import { Responder } from './respond.ts';
import type { SearchPathOf } from './search-path.ts';
import { serverAddresses } from './server-addresses.ts';
import type { DnsSettings } from './settings.ts';
import type { ZoneConfig } from './zone/answer.ts';
import { addressOfReverseName } from './zone/reverse.ts';
import { ClusterZone } from './zone/view.ts';

export interface DnsServerOptions {
  readonly informers: Informers;
  readonly listen: readonly ListenAddress[];
  /** Addresses of the machine that others reach, for the NS records of a server that listens on all of them. */
  readonly machineAddresses?: readonly string[];
  /** Lets other processes listen on the same addresses (SO_REUSEPORT). */
  readonly sharePorts?: boolean;
  /** What may change while it runs ({@link DnsServer.configure}). */
  readonly settings: DnsSettings;
  /** Names of pods by their address; `insecure` by default. */
  readonly pods?: ZoneConfig['pods'];
  /** PEM certificates that sign the certificates of upstreams over TLS, in place of the machine's. */
  readonly upstreamCA?: string | undefined;
  /** The cluster's domain without a final dot. */
  readonly domain?: string;
  /** Pod and Service ranges: their addresses' names are answered here and never forwarded. */
  readonly clusterCIDRs: readonly string[];
  /** Answers a search at its first name: for clients by what is known of them, or for all Pods by their namespaces. */
  readonly autopath?: SearchPathOf | 'by-pod-namespace' | undefined;
  /** Where /metrics, /health and /ready are; each address has all three. */
  readonly httpAddresses?: readonly ListenAddress[];
  /** More of what /metrics prints. */
  readonly moreMetrics?: readonly Family[];
  /** What processes that serve the same addresses share, so that each knows the others' questions for its own. */
  readonly loopToken?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Told once the sockets are open. */
  readonly onListening?: (addresses: readonly ListenAddress[]) => void;
  /** Told once the first lists are in: from now on the zone is answered. */
  readonly onReady?: () => void;
  /** One line of what happens. */
  readonly log: (message: string) => void;
}

/** Before the first lists are in, the zone's questions get SERVFAIL at once: the client asks again. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #zone = new ClusterZone();
  readonly #clusterCIDRs: readonly CIDR[];
  readonly #queryMetrics = new QueryMetrics();
  readonly #forwardMetrics = new ForwardMetrics();
  readonly #programming = new ProgrammingMetrics();
  readonly #exchange: Exchange;
  readonly #forwarder: Forwarder;
  readonly #loopToken: LoopToken;
  readonly #serverAddresses: readonly string[];
  #settings: DnsSettings;
  #responder: Responder;
  #awaited = 3;

  constructor(options: DnsServerOptions) {
    const { clusterCIDRs, settings, clock, random, upstreamCA, log } = options;
    this.#options = options;
    this.#settings = settings;
    this.#serverAddresses = serverAddresses(options.listen, options.machineAddresses ?? []);
    this.#clusterCIDRs = clusterCIDRs.map(parseCIDR).filter((cidr) => cidr !== undefined);
    this.#loopToken = new LoopToken(random, options.loopToken);
    this.#exchange = new Exchange({ clock, random, ca: upstreamCA });
    this.#forwarder = new Forwarder({
      routes: settings.routes,
      ask: this.#exchange.ask,
      clock,
      loopToken: this.#loopToken,
      metrics: this.#forwardMetrics,
      log,
    });
    this.#responder = this.#makeResponder();
  }

  /** Whether Services, EndpointSlices and Namespaces are all there. */
  get ready(): boolean {
    return this.#awaited === 0;
  }

  /** The text of /metrics. */
  metricsText(): string {
    const families = [
      ...this.#queryMetrics.families,
      ...this.#forwardMetrics.families,
      this.#programming.family,
      ...(this.#options.moreMetrics ?? []),
    ];
    return families.map((family) => family.print()).join('');
  }

  /** Answers by other settings from the next query on. The sockets stay open, so no query is lost. */
  configure(settings: DnsSettings): void {
    this.#settings = settings;
    this.#forwarder.reroute(settings.routes);
    this.#responder = this.#makeResponder();
  }

  /** Serves until the signal aborts. Rejects when an address cannot be listened on. */
  async run(signal: AbortSignal): Promise<void> {
    this.#follow();
    const { log, sharePorts = false, httpAddresses = [] } = this.#options;
    const metered = new MeteredResponder({ responder: () => this.#responder, metrics: this.#queryMetrics, log });
    const respond = metered.respond.bind(metered);
    const addresses = await listen({ addresses: this.#options.listen, respond, shared: sharePorts }, signal);
    this.#options.onListening?.(addresses);
    void this.#forwarder.checkLoops();
    await serveHttpEndpoints(
      {
        addresses: httpAddresses,
        metrics: () => this.metricsText(),
        waitingFor: () => (this.ready ? [] : ['kubernetes']),
        log,
      },
      signal,
    );
    this.#forwarder.close();
    this.#exchange.close();
  }

  #makeResponder(): Responder {
    const { domain = 'cluster.local', autopath, random, pods: mode = 'insecure' } = this.#options;
    const { ttl } = this.#settings;
    const zone = `${domain.toLowerCase()}.`;
    return new Responder({
      view: this.#zone,
      config: { zone, ttl, pods: mode, serverAddresses: this.#serverAddresses },
      forwarder: this.#forwarder,
      loopToken: this.#loopToken,
      random,
      ready: () => this.ready,
      ownsAddress: (name) => this.#ownsAddress(name),
      searchPathOf: autopath === 'by-pod-namespace' ? (address) => this.#searchPathOfPod(address, zone) : autopath,
    });
  }

  /** As kubelet writes it for dnsPolicy ClusterFirst, but for what the node itself searches. */
  #searchPathOfPod(address: string, zone: string): readonly string[] | undefined {
    const namespace = this.#zone.namespaceOfPod(address);
    return namespace === undefined ? undefined : [`${namespace}.svc.${zone}`, `svc.${zone}`, zone];
  }

  #follow(): void {
    const { informers, autopath, clock, pods: mode } = this.#options;
    const zone = this.#zone;
    const synced = () => this.#synced();
    informers.informer<Service>(services).addHandler({
      added: (service) => this.#changed(zone.setService(service)),
      updated: (service) => this.#changed(zone.setService(service)),
      deleted: (service) => this.#changed(zone.deleteService(service)),
      synced,
    });
    const sliceChanged = (slice: Readonly<EndpointSlice>, dependencies: readonly string[]) => {
      this.#changed(dependencies);
      if (this.ready && dependencies.length > 0) this.#programming.programmed(slice, clock.now());
    };
    informers.informer<EndpointSlice>(endpointSlices).addHandler({
      added: (slice) => sliceChanged(slice, zone.setSlice(slice)),
      updated: (slice, old) => sliceChanged(slice, zone.updateSlice(old, slice)),
      deleted: (slice) => this.#changed(zone.deleteSlice(slice)),
      synced,
    });
    informers.informer<Namespace>(namespaces).addHandler({
      added: (namespace) => this.#changed(zone.setNamespace(namespace)),
      deleted: (namespace) => this.#changed(zone.deleteNamespace(namespace)),
      synced,
    });
    if (mode === 'verified' || autopath === 'by-pod-namespace') this.#followPods();
  }

  #followPods(): void {
    this.#awaited += 1;
    this.#options.informers.informer<Pod>(pods).addHandler({
      added: (pod) => this.#changed(this.#zone.setPod(pod)),
      updated: (pod) => this.#changed(this.#zone.setPod(pod)),
      deleted: (pod) => this.#changed(this.#zone.deletePod(pod)),
      synced: () => this.#synced(),
    });
  }

  #synced(): void {
    this.#awaited -= 1;
    if (this.ready) this.#options.onReady?.();
  }

  #changed(dependencies: readonly string[]): void {
    if (dependencies.length === 0) return;
    this.#zone.serial = Math.floor(this.#options.clock.now() / 1000);
    this.#responder.invalidate(dependencies);
  }

  #ownsAddress(reverseName: string): boolean {
    const { upstreams } = this.#settings.routes;
    if (upstreams.length === 0) return true;
    const address = addressOfReverseName(reverseName);
    return address === undefined || this.#clusterCIDRs.some((cidr) => containsText(cidr, address));
  }
}
