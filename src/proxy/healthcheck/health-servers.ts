// The HTTP servers of a proxy: one for itself, one for metrics, and one per Service with a health check node port.
import type { Server } from 'node:http';
import type { EventRecorder } from '../../client/events.ts';
import { metricsContentType } from '../../metrics/metric.ts';
import { type IPFamily, splitHostPort } from '../../net/ip.ts';
import type { Clock } from '../../system/clock.ts';
import { answerHalfClosed, http } from '../../system/http.ts';
import type { Proxier } from '../proxier.ts';
import { answersHealthChecks, type ProxySettings } from '../settings.ts';
import { ProxyMetrics, type ProxyMetricsOptions } from './metrics.ts';
import {
  type HealthResponse,
  isNodeEligible,
  type ProxyHealth,
  proxyHealthResponse,
  type ServiceHealth,
  serviceHealthResponse,
  serviceHealths,
} from './responses.ts';
import { rulesResponse } from './rules-page.ts';

export interface HealthServersOptions {
  readonly proxier: Proxier;
  readonly settings: ProxySettings;
  readonly clock: Clock;
  readonly families?: readonly IPFamily[];
  readonly healthzAddress?: string | undefined;
  readonly metricsAddress?: string | undefined;
  /** Whether an address of /healthz or /metrics that is taken ends `run` with an Error. */
  readonly bindAddressHardFail?: boolean | undefined;
  /** Tells of a Service whose health check node port is taken. */
  readonly recorder?: Pick<EventRecorder, 'event'> | undefined;
  readonly nodeName: string;
  /** See {@link ProxyMetricsOptions}. */
  readonly countedPackets?: ProxyMetricsOptions['countedPackets'];
  readonly log?: (message: string) => void;
}

/** As upstream, in milliseconds. */
const listenAgainAfter = 5000;

type Answer = (url: URL, accept: string | undefined) => HealthResponse | Promise<HealthResponse>;

function requestURL(url = '/'): URL {
  return URL.parse(url, 'http://proxy') ?? new URL('http://proxy/');
}

export class HealthServers {
  readonly #options: HealthServersOptions;
  readonly metrics: ProxyMetrics;
  readonly #services = new Map<number, { server: Server; health: ServiceHealth }>();
  #running = false;

  constructor(options: HealthServersOptions) {
    this.#options = options;
    const { proxier, settings, families = ['IPv4', 'IPv6'] } = options;
    this.metrics = new ProxyMetrics({
      mode: settings.mode,
      families,
      status: proxier.status,
      plans: () => proxier.plans(),
      ruleCounts: () => proxier.ruleCounts(),
      countedPackets: options.countedPackets,
    });
  }

  /** Serves until the signal aborts. An address in use is logged and tried again, or rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { healthzAddress, metricsAddress, bindAddressHardFail, clock } = this.#options;
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    const servers: Server[] = [];
    const serve = (hostPort: string, answer: Answer) => {
      const address = splitHostPort(hostPort);
      const server = this.#listen(address, answer);
      const again = () => {
        if (!server.listening) server.listen(address);
      };
      const retry = () => void clock.sleep(listenAgainAfter, signal).then(again, () => {});
      server.on('error', bindAddressHardFail ? reject : retry);
      servers.push(server);
    };
    if (healthzAddress) serve(healthzAddress, (url) => this.#healthz(url));
    if (metricsAddress) serve(metricsAddress, (url, accept) => this.#metrics(url, accept));
    this.#running = true;
    this.update();
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
    try {
      await ended;
    } finally {
      this.#running = false;
      for (const { server } of this.#services.values()) servers.push(server);
      this.#services.clear();
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    }
  }

  /** Opens and closes the servers of Services as their plans ask. */
  update(): void {
    if (!this.#running) return;
    const wanted = serviceHealths(this.#options.proxier.plans());
    for (const [port, { server }] of this.#services) {
      if (wanted.has(port)) continue;
      server.close();
      server.closeAllConnections();
      this.#services.delete(port);
    }
    for (const [port, health] of wanted) {
      const present = this.#services.get(port);
      if (present) present.health = health;
      else this.#open(port, health);
    }
  }

  #open(port: number, health: ServiceHealth): void {
    // On all addresses; `::` would say that there are some of IPv6.
    const server = this.#listen({ port }, () => this.#service(port));
    this.#services.set(port, { health, server });
    const { settings, proxier, clock } = this.#options;
    server.on('connection', (socket) => {
      if (!answersHealthChecks(settings, socket.localAddress ?? '', proxier.node)) socket.resetAndDestroy();
    });
    server.once('error', (error) => {
      if (this.#services.get(port)?.server === server) this.#services.delete(port);
      // There may be no other sync for long.
      clock.after(listenAgainAfter, () => this.update());
      const { recorder, nodeName } = this.#options;
      const { namespace, name } = health;
      const message = `node ${nodeName} failed to start healthcheck "${namespace}/${name}" on port ${port}: ${error.message}`;
      const reference = { apiVersion: 'v1', kind: 'Service', namespace, name, uid: `${namespace}/${name}` };
      recorder?.event(reference, { type: 'Warning', reason: 'FailedToStartServiceHealthcheck', message });
    });
  }

  #listen(address: { host?: string; port: number }, answer: Answer): Server {
    const server = http.createServer(async (request, response) => {
      const { status, headers, body } = await answer(requestURL(request.url), request.headers.accept);
      response.writeHead(status, headers).end(body);
    });
    answerHalfClosed(server);
    server.on('error', (error) => this.#options.log?.(`cannot serve on port ${address.port}: ${error.message}`));
    server.listen(address);
    return server;
  }

  #service(port: number): HealthResponse {
    const health = this.#services.get(port)?.health;
    if (!health) return { status: 404, headers: {}, body: '' };
    return serviceHealthResponse(health, { healthy: this.#options.proxier.status.healthy });
  }

  #healthz({ pathname: path }: URL): HealthResponse {
    const { proxier, clock, families = ['IPv4', 'IPv6'] } = this.#options;
    const { healthy, lastUpdated } = proxier.status;
    const health: ProxyHealth = { healthy, lastUpdated, now: clock.now(), families };
    if (path === '/healthz') {
      const response = proxyHealthResponse(health, isNodeEligible(proxier.node));
      this.metrics.healthz.with(String(response.status)).add();
      return response;
    }
    if (path === '/livez') {
      const response = proxyHealthResponse(health);
      this.metrics.livez.with(String(response.status)).add();
      return response;
    }
    return { status: 404, headers: {}, body: '404 page not found\n' };
  }

  #rules({ searchParams }: URL, accept: string | undefined): HealthResponse {
    const { proxier, settings } = this.#options;
    const { lastSync, lastFullSync } = proxier.written;
    const page = {
      mode: settings.mode,
      node: proxier.node?.metadata.name ?? '',
      lastSync,
      lastFullSync,
      services: proxier.written.entries(),
      rulesOf: (name: string) => proxier.rulesOf(name),
    };
    return rulesResponse(page, searchParams, accept);
  }

  async #metrics(url: URL, accept: string | undefined): Promise<HealthResponse> {
    const { settings } = this.#options;
    const path = url.pathname;
    const text = { 'Content-Type': metricsContentType };
    if (path === '/metrics') return { status: 200, headers: text, body: await this.metrics.print() };
    if (path === '/portico/rules') return this.#rules(url, accept);
    if (path === '/proxyMode') return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: settings.mode };
    return { status: 404, headers: {}, body: '404 page not found\n' };
  }
}
