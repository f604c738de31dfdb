// The HTTP servers of a proxy: one for itself, one for metrics, and one per Service with a health check node port.
import type { Server } from 'node:http';
import type { Clock } from '../../system/clock.ts';
import { http } from '../../system/http.ts';
import type { IPFamily } from '../address.ts';
import { localReadyAddresses, type ServicePortPlan } from '../plan.ts';
import type { Proxier } from '../proxier.ts';
import type { ProxySettings } from '../settings.ts';
import { metricsText } from './metrics.ts';
import {
  type HealthResponse,
  isNodeEligible,
  type ProxyHealth,
  proxyHealthResponse,
  type ServiceHealth,
  serviceHealthResponse,
} from './responses.ts';

export interface HealthServersOptions {
  readonly proxier: Proxier;
  readonly settings: ProxySettings;
  readonly clock: Clock;
  readonly families?: readonly IPFamily[];
  readonly healthzAddress?: string | undefined;
  readonly metricsAddress?: string | undefined;
  /** Whether an address of /healthz or /metrics that is taken ends `run` with an Error. */
  readonly bindAddressHardFail?: boolean | undefined;
  readonly log?: (message: string) => void;
}

/**
 * The health check node ports in force, with what each reports: how many addresses are ready on this node over all ports
 * of the Service, whatever its policies are. A Service of both families counts the one with more of them.
 */
export function serviceHealths(plans: Iterable<ServicePortPlan>): Map<number, ServiceHealth> {
  const healths = new Map<number, ServiceHealth>();
  const found = new Map<string, Set<string>>();
  for (const { servicePort, endpoints } of plans) {
    const { healthCheckNodePort: port, namespace, serviceName, family } = servicePort;
    if (port === undefined) continue;
    const key = `${port} ${family}`;
    const addresses = found.get(key) ?? new Set();
    found.set(key, addresses);
    for (const address of localReadyAddresses(endpoints)) addresses.add(address);
    const localEndpoints = Math.max(healths.get(port)?.localEndpoints ?? 0, addresses.size);
    healths.set(port, { namespace, name: serviceName, localEndpoints });
  }
  return healths;
}

function parseAddress(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

export class HealthServers {
  readonly #options: HealthServersOptions;
  readonly #services = new Map<number, { server: Server; health: ServiceHealth }>();
  #running = false;

  constructor(options: HealthServersOptions) {
    this.#options = options;
  }

  /** Serves until the signal aborts. An address in use is logged, and does without that server, or rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { healthzAddress, metricsAddress, bindAddressHardFail } = this.#options;
    const servers: Server[] = [];
    if (healthzAddress) servers.push(this.#listen(parseAddress(healthzAddress), (path) => this.#healthz(path)));
    if (metricsAddress) servers.push(this.#listen(parseAddress(metricsAddress), (path) => this.#metrics(path)));
    this.#running = true;
    this.update();
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    if (bindAddressHardFail) for (const server of servers) server.once('error', reject);
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
      else this.#services.set(port, { health, server: this.#listen({ host: '::', port }, () => this.#service(port)) });
    }
  }

  #listen(address: { host: string; port: number }, answer: (path: string) => HealthResponse): Server {
    const server = http.createServer((request, response) => {
      const { status, headers, body } = answer((request.url ?? '/').split('?')[0]!);
      response.writeHead(status, headers).end(body);
    });
    server.on('error', (error) => this.#options.log?.(`cannot serve on port ${address.port}: ${error.message}`));
    server.listen(address);
    return server;
  }

  #service(port: number): HealthResponse {
    const health = this.#services.get(port)?.health;
    if (!health) return { status: 404, headers: {}, body: '' };
    return serviceHealthResponse(health, { healthy: this.#options.proxier.status.healthy });
  }

  #healthz(path: string): HealthResponse {
    const { proxier, clock, families = ['IPv4', 'IPv6'] } = this.#options;
    const { healthy, lastUpdated } = proxier.status;
    const health: ProxyHealth = { healthy, lastUpdated, now: clock.now(), families };
    if (path === '/healthz') return proxyHealthResponse(health, isNodeEligible(proxier.node));
    if (path === '/livez') return proxyHealthResponse(health);
    return { status: 404, headers: {}, body: '404 page not found\n' };
  }

  #metrics(path: string): HealthResponse {
    const { proxier, settings } = this.#options;
    const text = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' };
    if (path === '/metrics') return { status: 200, headers: text, body: metricsText(proxier.status) };
    if (path === '/proxyMode') return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: settings.mode };
    return { status: 404, headers: {}, body: '404 page not found\n' };
  }
}
