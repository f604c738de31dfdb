// Upgrades an HTTP request to SPDY/3.1, as clients of Kubernetes' streaming servers do: the kubelet towards containerd's,
// the API server towards kubelets that listen.
import { request as httpsRequest } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../system/clock.ts';
import { http } from '../../system/http.ts';
import { limitConnecting } from '../connect-limit.ts';
import { SpdySession } from './session.ts';

export interface SpdyTls extends SecureContextOptions {
  readonly rejectUnauthorized?: boolean;
  readonly clock: Clock;
}

export interface SpdyConnectOptions {
  /** As the runtime names it: `http://127.0.0.1:34567/exec/TOKEN`. */
  readonly url: string;
  /** In order of preference: `v4.channel.k8s.io`, `portforward.k8s.io`. */
  readonly protocols: readonly string[];
  readonly method?: 'POST' | 'GET';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Of a URL with https; a connection that does not stand in time by the clock fails. */
  readonly tls?: SpdyTls;
}

/** The server answered without an upgrade. */
export class SpdyRefusedError extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, reason: string, body: string) {
    super(`${status} ${reason}: ${body}`);
    this.status = status;
    this.body = body;
  }
}

export interface SpdyConnection {
  readonly session: SpdySession;
  /** The one of the protocols that the server chose; the empty string when it named none. */
  readonly protocol: string;
}

/** Rejects with a {@link SpdyRefusedError} when the server does not upgrade. */
export function connectSpdy(options: SpdyConnectOptions): Promise<SpdyConnection> {
  const { url, protocols, method = 'POST', headers, signal, tls } = options;
  const request = url.startsWith('https:') ? httpsRequest : http.request;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent: false,
      ...tls,
      ...(signal && { signal }),
      headers: {
        ...headers,
        Connection: 'Upgrade',
        Upgrade: 'SPDY/3.1',
        'X-Stream-Protocol-Version': [...protocols],
        ...(method === 'POST' && { 'Content-Length': '0' }),
      },
    });
    if (tls) limitConnecting(outgoing, addressOf(new URL(url)), tls.clock);
    outgoing.once('upgrade', (response, socket, head) => {
      socket.setNoDelay(true);
      if (head.length > 0) socket.unshift(head);
      const chosen = response.headers['x-stream-protocol-version'];
      const protocol = (Array.isArray(chosen) ? chosen[0] : chosen) ?? '';
      resolve({ session: new SpdySession(socket, { role: 'client' }), protocol });
    });
    outgoing.once('response', (response) => {
      const chunks: string[] = [];
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => chunks.push(chunk));
      // Also where it breaks off.
      response.on('close', () =>
        reject(new SpdyRefusedError(response.statusCode ?? 0, response.statusMessage ?? '', chunks.join('').trim())),
      );
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}

function addressOf({ hostname, port }: URL) {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) };
}

/** What `open` makes of a connection, which goes where that fails or the signal aborts meanwhile. */
export async function overSpdy<T>(options: SpdyConnectOptions, open: (session: SpdySession) => Promise<T>): Promise<T> {
  const { session } = await connectSpdy(options);
  const leave = () => session.destroy();
  options.signal?.addEventListener('abort', leave, { once: true });
  try {
    return await open(session);
  } catch (error) {
    session.destroy();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', leave);
  }
}
