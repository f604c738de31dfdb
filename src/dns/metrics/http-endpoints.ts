// /metrics, /health and /ready over HTTP, as CoreDNS's plugins of these names answer.
import type { Server } from 'node:http';
import { metricsContentType } from '../../metrics/metric.ts';
import { joinHostPort } from '../../net/ip.ts';
import { answerHalfClosed, http } from '../../system/http.ts';

export interface HttpEndpointsOptions {
  /** Where to listen; each address answers all three paths. */
  readonly addresses: readonly { readonly address: string; readonly port: number }[];
  readonly metrics: () => string | Promise<string>;
  /** The parts that are not ready yet; none means ready. */
  readonly waitingFor: () => readonly string[];
  readonly log: (message: string) => void;
}

const plainText = 'text/plain; charset=utf-8';

/** Serves until the signal aborts. An address that cannot be listened on is logged, and done without. */
export async function serveHttpEndpoints(options: HttpEndpointsOptions, signal: AbortSignal): Promise<void> {
  const servers = options.addresses.map(({ address, port }) => {
    const server = http.createServer(async (request, response) => {
      const { status, type, body } = await answerTo(request.url?.split('?')[0] ?? '/', options);
      response.writeHead(status, { 'Content-Type': type }).end(body);
    });
    answerHalfClosed(server);
    server.on('error', (error) => options.log(`cannot serve on ${joinHostPort(address, port)}: ${error.message}`));
    server.listen({ host: address, port, ipv6Only: true });
    return server;
  });
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  for (const server of servers) close(server);
}

async function answerTo(path: string, { metrics, waitingFor }: HttpEndpointsOptions) {
  const text = (status: number, body: string) => ({ status, type: plainText, body });
  if (path === '/health') return text(200, 'OK');
  if (path === '/metrics') return { status: 200, type: metricsContentType, body: await metrics() };
  if (path !== '/ready') return text(404, '404 page not found\n');
  const waiting = waitingFor();
  return waiting.length === 0 ? text(200, 'OK') : text(503, waiting.join(','));
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
