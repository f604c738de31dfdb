// The rules that this node's proxy last wrote, for `portico rules --live`: its own server listens on the node's loopback address
// only, so the tunnel's path leads there. Whoever may use nodes/proxy may read them.
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { TunnelHandler } from '../../client/tunnel.ts';
import { http } from '../../system/http.ts';

const rulesPath = '/portico/rules';

/** Serves the path of rules from the server at `origin` (http://ADDRESS:PORT), and leaves all others to `next`. */
export function writtenRules(origin: string, next: TunnelHandler): TunnelHandler {
  return async (request, response) => {
    const { pathname, search } = new URL(request.url, origin);
    if (pathname !== rulesPath || request.method !== 'GET') return next(request, response);
    const { promise, resolve } = Promise.withResolvers<IncomingMessage | Error>();
    http.get(new URL(rulesPath + search, origin), resolve).on('error', resolve);
    const answer = await promise;
    if (answer instanceof Error) {
      response
        .writeHead(503, { 'content-type': 'text/plain' })
        .end(`the proxy of this node does not answer: ${answer.message}\n`);
      return;
    }
    response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
    // Whoever of the two goes early, the other ends with it.
    await pipeline(answer, response.stream).catch(() => {});
  };
}
