// Passes an HTTP request on to another server and its answer back: what the proxies of Services, pods and remote APIs share.
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { type Agent, request as httpsRequest } from 'node:https';
import { type Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { http } from '../../system/http.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';

/** Of the connection to us, not of the request (RFC 9110 section 7.6.1), and the caller's credentials for us. */
const ours = new Set([
  'authorization',
  'connection',
  'content-length',
  'host',
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

/** What headers start with that name the user to us, or whom they act as. */
const identities = ['x-remote-', 'impersonate-'];

/** The request's headers that are for the server behind us, and who asks it through us. */
export function passedHeaders({ headers, remoteAddress }: ApiRequest): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const isOurs = name.startsWith(':') || ours.has(name) || identities.some((prefix) => name.startsWith(prefix));
    if (value !== undefined && !isOurs) kept[name] = value;
  }
  if (remoteAddress)
    kept['x-forwarded-for'] = kept['x-forwarded-for'] ? `${kept['x-forwarded-for']}, ${remoteAddress}` : remoteAddress;
  return kept;
}

/** The answer's headers that are for our client. */
export function answeredHeaders(response: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && (!ours.has(name) || name === 'content-length')) headers[name] = value;
  }
  return headers;
}

export interface ForwardOptions {
  /** With its query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  /** A connection for this one request, or an agent that keeps some. */
  readonly over: { readonly socket: Duplex } | { readonly agent: Agent };
  /** Default: the request's. */
  readonly signal?: AbortSignal;
}

/** Resolves with the head of the answer; rejects when there is none. */
export async function forward(
  request: ApiRequest,
  { path, headers, over, signal }: ForwardOptions,
): Promise<IncomingMessage> {
  const body = await bodyOf(request);
  const length = request.headers['content-length'];
  const options = {
    method: request.method,
    path,
    headers: { ...headers, ...(body && framing(length)) },
    signal: signal ?? request.signal,
  };
  const outgoing =
    'agent' in over
      ? httpsRequest({ ...options, agent: over.agent })
      : http.request({ ...options, createConnection: () => over.socket });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    // A request that ends before it has a connection need not tell of an error.
    outgoing.once('close', () => reject(new Error('the connection closed before an answer came')));
  });
  if (body) {
    // The client may wait for an answer before it sends any of it.
    outgoing.flushHeaders();
    // A client that leaves breaks it off; who answers early needs no more of it. Either way the answer, or its absence, tells.
    void pipeline(body, outgoing).catch(() => {});
  } else outgoing.end();
  return answer;
}

/**
 * How long a body is, or that its chunks tell it. Of itself Node.js says neither with GET or DELETE, and the other server would take
 * the body for a request of ours.
 */
function framing(length: string | undefined): OutgoingHttpHeaders {
  return length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': length };
}

/** The body as it comes; of a request of this process all at once. */
export async function bodyOf(request: ApiRequest): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { stream } = request;
  if (stream) return stream;
  const bytes = await request.body();
  return bytes.length === 0 ? undefined : Readable.from([bytes]);
}

/** WebSockets and the like: the bytes are passed as they are once the head of the request is sent. */
export function upgradeThrough(
  request: ApiRequest,
  { path, headers, socket }: Pick<ForwardOptions, 'path' | 'headers'> & { readonly socket: Duplex },
): ApiResponse {
  const fields = Object.entries({ ...headers, connection: 'Upgrade', upgrade: request.headers.upgrade ?? '' });
  const lines = fields.flatMap(([name, value]) => [value ?? []].flat().map((one) => `${name}: ${one}\r\n`));
  const head = `${request.method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  // It may break before it is the client's, for which the audit log can be waited for.
  socket.on('error', () => {});
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
