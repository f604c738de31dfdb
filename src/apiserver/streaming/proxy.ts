// `services/proxy`, `pods/proxy`, `nodes/proxy`: HTTP through the API server, over a connection that the node's agent opens.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import { StatusError } from '../../apimachinery/status.ts';
import type { Random } from '../../system/random.ts';
import type { ConnectHandler } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import { DialError, NodeUnreachableError, type TunnelRegistry } from '../tunnel/tunnel-registry.ts';
import { type ProxyTarget, parseProxyName, podTarget, serviceTarget } from './proxy-target.ts';

export interface ProxyParts {
  readonly view: ObjectView;
  readonly tunnels: TunnelRegistry;
  readonly random: Random;
}

/** Of the connection to us, not of the request (RFC 9110 section 7.6.1), and the caller's credentials for us. */
const ours = new Set([
  'authorization',
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Where the path after `/proxy` begins; undefined for a request that lacks the slash: relative links would go astray. */
export function pathAfterProxy({
  path,
}: Pick<ApiRequest, 'path'>): { readonly base: string; readonly rest: string } | undefined {
  const match = /^(\/api\/v1\/(?:namespaces\/[^/]+\/)?[^/]+\/[^/]+\/proxy)(\/.*)?$/.exec(path);
  if (!match?.[2]) return undefined;
  return { base: match[1]!, rest: match[2] };
}

function redirectToSlash({ path, query }: ApiRequest): ApiResponse {
  const search = query.size > 0 ? `?${query}` : '';
  return { status: 301, headers: { location: `${path}/${search}` }, body: '' };
}

export function endpointProxy(resource: 'services' | 'pods', parts: ProxyParts): ConnectHandler {
  return async (request, info) => {
    const place = pathAfterProxy(request);
    if (!place) return redirectToSlash(request);
    const name = parseProxyName(info.name, resource);
    const target =
      resource === 'services'
        ? serviceTarget(name, info.namespace, parts)
        : podTarget(name, info.namespace, parts.view);
    return exchange(request, { ...place, target, socket: await dial(parts.tunnels, target) });
  };
}

/** The kubelet itself. */
export function nodeProxy({ tunnels }: ProxyParts): ConnectHandler {
  return async (request, info: RequestInfo) => {
    const place = pathAfterProxy(request);
    if (!place) return redirectToSlash(request);
    const search = request.query.size > 0 ? `?${request.query}` : '';
    try {
      const options = { method: request.method, path: place.rest + search, signal: request.signal };
      const { status, headers, stream } = await tunnels.request(info.name, options);
      if (stream.writable && request.stream) void pipeline(request.stream, stream, { end: true }).catch(() => {});
      return { status, headers, body: stream as AsyncIterable<Uint8Array> };
    } catch (error) {
      throw badGateway(error);
    }
  };
}

function badGateway(error: unknown): unknown {
  if (!(error instanceof DialError) && !(error instanceof NodeUnreachableError)) return error;
  const message = `error trying to reach service: ${error.message}`;
  return new StatusError({ code: 503, reason: 'ServiceUnavailable', message });
}

async function dial(tunnels: TunnelRegistry, { scheme, host, port, nodeName }: ProxyTarget): Promise<Duplex> {
  try {
    const socket = await tunnels.dial(nodeName, host, port);
    // As upstream: the certificates of pods are not looked at.
    return scheme === 'https' ? connectTls({ socket, rejectUnauthorized: false }) : socket;
  } catch (error) {
    throw badGateway(error);
  }
}

interface Exchange {
  readonly base: string;
  readonly rest: string;
  readonly target: ProxyTarget;
  readonly socket: Duplex;
}

function forwardedHeaders(
  { headers, remoteAddress }: ApiRequest,
  { base, rest, target }: Exchange,
): Record<string, string> {
  const kept: Record<string, string> = { host: hostHeader(target) };
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':') && !ours.has(name) && name !== 'host') kept[name] = value;
  }
  if (remoteAddress)
    kept['x-forwarded-for'] = kept['x-forwarded-for'] ? `${kept['x-forwarded-for']}, ${remoteAddress}` : remoteAddress;
  return { ...kept, 'x-forwarded-proto': 'https', 'x-forwarded-uri': base + rest };
}

function hostHeader({ host, port }: ProxyTarget): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

async function exchange(request: ApiRequest, exchanged: Exchange): Promise<ApiResponse> {
  const { rest, base, socket } = exchanged;
  const search = request.query.size > 0 ? `?${request.query}` : '';
  const headers = forwardedHeaders(request, exchanged);
  if (request.upgrade) return upgradeThrough(request, { ...exchanged, rest: rest + search }, headers);
  const length = request.headers['content-length'];
  const hasBody = length !== undefined ? length !== '0' : request.headers['transfer-encoding'] !== undefined;
  if (length !== undefined) headers['content-length'] = length;
  const outgoing = httpRequest({
    createConnection: () => socket,
    method: request.method,
    path: rest + search,
    headers,
    signal: request.signal,
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', (error) => {
      const message = `error trying to reach service: ${error.message}`;
      reject(new StatusError({ code: 503, reason: 'ServiceUnavailable', message }));
    });
  });
  if (hasBody && request.stream) Readable.from(request.stream).pipe(outgoing);
  else outgoing.end();
  const response = await answer;
  response.once('close', () => socket.destroy());
  return { status: response.statusCode ?? 502, headers: answeredHeaders(response, base), body: response };
}

function answeredHeaders(response: IncomingMessage, base: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && (!ours.has(name) || name === 'content-length')) headers[name] = value;
  }
  const { location } = response.headers;
  // A redirect within the target stays below the proxy's path.
  if (location?.startsWith('/')) headers.location = base + location;
  return headers;
}

/** WebSockets and the like: the bytes are passed as they are once the head of the request is sent. */
function upgradeThrough(request: ApiRequest, { rest, socket }: Exchange, headers: Record<string, string>): ApiResponse {
  const lines = Object.entries({ ...headers, connection: 'Upgrade', upgrade: request.headers.upgrade ?? '' });
  const head = `${request.method} ${rest} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return {
    status: 101,
    headers: {},
    body: {
      hijack(upgrade) {
        socket.write(head);
        if (upgrade.head.length > 0) socket.write(upgrade.head);
        const end = () => {
          socket.destroy();
          upgrade.socket.destroy();
        };
        void pipeline(upgrade.socket, socket, upgrade.socket).then(end, end);
      },
    },
  };
}
