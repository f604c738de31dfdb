// `services/proxy`, `pods/proxy`, `nodes/proxy`: HTTP through the API server, over a connection that the node's agent opens.
import type { IncomingMessage } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { notFound, StatusError } from '../../apimachinery/status.ts';
import { joinHostPort } from '../../net/ip.ts';
import type { Random } from '../../system/random.ts';
import type { ConnectHandler } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import { type ApiRequest, type ApiResponse, requestUri } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import { checkProxyable, type NodeLinks } from '../tunnel/node-links.ts';
import { DialError, NodeUnreachableError } from '../tunnel/tunnel-registry.ts';
import { answeredHeaders, bodyOf, forward, passedHeaders, upgradeThrough } from './forward.ts';
import { isPage, pageThrough } from './proxy-page.ts';
import { redirectThrough } from './proxy-redirect.ts';
import { type ProxyTarget, parseProxyName, podTarget, serviceTarget } from './proxy-target.ts';

export interface ProxyParts {
  readonly view: ObjectView;
  readonly links: NodeLinks;
  readonly random: Random;
}

/** Where the path after `/proxy` begins; undefined for a request that lacks the slash: relative links would go astray. */
function pathAfterProxy({
  path,
}: Pick<ApiRequest, 'path'>): { readonly base: string; readonly rest: string } | undefined {
  const match = /^(\/api\/v1\/(?:namespaces\/[^/]+\/)?[^/]+\/[^/]+\/proxy)(\/.*)?$/.exec(path);
  if (!match?.[2]) return undefined;
  return { base: match[1]!, rest: match[2] };
}

function redirectToSlash(request: ApiRequest): ApiResponse {
  return { status: 301, headers: { location: requestUri(request, `${request.path}/`) }, body: '' };
}

export function endpointProxy(resource: 'services' | 'pods', parts: ProxyParts): ConnectHandler {
  return async (request, info) => {
    const name = parseProxyName(info.name, resource);
    const target =
      resource === 'services'
        ? serviceTarget(name, info.namespace, parts)
        : podTarget(name, info.namespace, parts.view);
    const place = pathAfterProxy(request);
    if (!place) return redirectToSlash(request);
    return exchange(request, { ...place, target, socket: await dial(parts.links, target) });
  };
}

/** The kubelet itself. */
export function nodeProxy({ links, view }: ProxyParts): ConnectHandler {
  return async (request, info: RequestInfo) => {
    const nodeName = kubeletOf(info.name);
    const nodes = { group: '', resource: 'nodes' };
    if (!view.get(nodes, '', nodeName) && !links.leadsTo(nodeName)) throw notFound(nodes, nodeName);
    const kubelet = links.portOf(nodeName);
    if (kubelet) checkProxyable(kubelet.host);
    const place = pathAfterProxy(request);
    if (!place) return redirectToSlash(request);
    try {
      const { method, signal } = request;
      const body = (await bodyOf(request)) ?? Readable.from([]);
      const path = requestUri(request, place.rest);
      const options = { method, path, headers: passedHeaders(request), body, signal };
      const { status, headers, stream } = await links.request(nodeName, options);
      return { status, headers, body: stream as AsyncIterable<Uint8Array> };
    } catch (error) {
      throw badGateway(error);
    }
  };
}

/** `[scheme:]node[:port]`: there is one kubelet per node, whatever the port. */
function kubeletOf(name: string): string {
  const parts = name.split(':');
  return (parts.length === 3 ? parts[1] : parts[0]) ?? name;
}

function badGateway(error: unknown): unknown {
  return error instanceof DialError || error instanceof NodeUnreachableError ? unreachable(error) : error;
}

function unreachable(error: unknown): StatusError {
  const message = `error trying to reach service: ${error instanceof Error ? transportError(error) : String(error)}`;
  return new StatusError({ code: 503, reason: 'ServiceUnavailable', message });
}

/** What Go's transport says of a connection over which no answer comes. */
function transportError(error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }): string {
  const { code = '', message, rawPacket } = error;
  if (code === 'EPROTO' && /wrong version number|packet length too long/.test(message))
    return 'tls: first record does not look like a TLS handshake';
  if (code === 'ECONNRESET') return 'EOF';
  if (!code.startsWith('HPE_') || !rawPacket) return message;
  const line = rawPacket.toString('latin1').split('\n', 1)[0] ?? '';
  return `net/http: HTTP/1.x transport connection broken: malformed HTTP response ${quoted(line.replace(/\r$/, ''))}`;
}

async function dial(links: NodeLinks, { scheme, host, port, nodeName }: ProxyTarget): Promise<Duplex> {
  try {
    const socket = await links.dial(nodeName, host, port);
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

async function exchange(request: ApiRequest, { base, rest, target, socket }: Exchange): Promise<ApiResponse> {
  const path = requestUri(request, rest);
  const host = joinHostPort(target.host, target.port);
  const headers = {
    host,
    ...passedHeaders(request),
    'x-forwarded-proto': 'https',
    'x-forwarded-uri': base + rest,
  };
  if (request.upgrade) return upgradeThrough(request, { path, headers, socket });
  let response: IncomingMessage;
  try {
    response = await forward(request, { path, headers, over: { socket } });
  } catch (error) {
    throw unreachable(error);
  }
  response.once('close', () => socket.destroy());
  const answered = answeredHeaders(response);
  const { location } = response.headers;
  const place = { base, origin: `${target.scheme}://${host}` };
  if (location !== undefined) answered.location = redirectThrough(location, place);
  else if (isPage(response) && request.method !== 'HEAD') {
    const body = await pageThrough(response, place).catch((error: unknown) => {
      throw unreachable(error);
    });
    if (Buffer.isBuffer(body)) answered['content-length'] = String(body.length);
    return { status: response.statusCode ?? 502, headers: answered, body };
  }
  return { status: response.statusCode ?? 502, headers: answered, body: response };
}
