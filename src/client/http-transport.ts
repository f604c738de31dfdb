// HTTP to one API server: HTTP/2 over TLS with all requests on one connection, else HTTP/1.1 with kept connections.
import type { Agent as HttpAgent } from 'node:http';
import http2 from 'node:http2';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import tls from 'node:tls';
import { hostnameOf } from '../net/ip.ts';
import type { Clock } from '../system/clock.ts';
import { http } from '../system/http.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import { requestHttp1 } from './http1-request.ts';
import { Http2Session } from './http2-session.ts';
import type { RawRequest, RawResponse, Transport } from './types.ts';

export interface HttpTransportOptions {
  /** `https://host:port` (or `http://`), a path prefix allowed. */
  readonly server: string;
  readonly clock: Clock;
  /** PEM certificates to trust in place of the machine's. */
  readonly ca?: string | undefined;
  /** PEM client certificate and key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Asked before each request, so that a renewed token is used at once. */
  readonly token?: (() => string | Promise<string>) | undefined;
  /** In place of `token`, `cert` and `key` where they change: a new certificate brings a new connection. */
  readonly credentials?: CredentialSource | undefined;
  /** Trusts any certificate. For `insecure-skip-tls-verify` only. */
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** The name that the server's certificate must carry, when it is not the URL's host. */
  readonly tlsServerName?: string | undefined;
  /** `http://` or `https://`: connections go through this proxy, over HTTP/1.1. */
  readonly proxyUrl?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** Milliseconds in which TCP and TLS must stand; client-go's for TCP alone. A machine that is gone never says so. */
const connectTimeout = 30_000;

type Connection =
  | { readonly kind: 'h2'; readonly session: Http2Session }
  | { readonly kind: 'h1'; readonly agent: HttpAgent };

/** Rejects with the socket's error when the server cannot be reached; reconnects with the next request. */
export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #url: URL;
  #connection: Promise<Connection> | undefined;
  #closed = false;
  /** What the connection was opened with. */
  #shown: Credential = {};

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#url = new URL(options.server);
  }

  async request(request: RawRequest): Promise<RawResponse> {
    request.signal?.throwIfAborted();
    const prepared = await this.#prepare(request);
    const response = await this.#send(prepared);
    // A token that was rotated, and a certificate that has ended, are not used once more.
    if (response.status === 401) this.#options.credentials?.refused();
    return response;
  }

  async #send(request: RawRequest): Promise<RawResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const connection = await this.#connect();
      try {
        if (connection.kind === 'h2') return await connection.session.request(request);
        return await requestHttp1(this.#url, connection.agent, request);
      } catch (error) {
        // A connection that the server closed while it was idle is noticed only when it is used.
        const again = attempt === 1 && request.method === 'GET' && !request.signal?.aborted && !this.#closed;
        if (!again || !isConnectionLoss(error)) throw error;
      }
    }
  }

  /** Ends all connections; requests under way fail. */
  close(): void {
    this.#closed = true;
    const connection = this.#connection;
    this.#connection = undefined;
    void connection?.then(closeConnection, () => undefined);
  }

  async #prepare(request: RawRequest): Promise<RawRequest> {
    const { userAgent } = this.#options;
    const token = await this.#token();
    const headers: Record<string, string> = { 'user-agent': userAgent ?? 'portico', ...request.headers };
    if (token) headers.authorization ??= `Bearer ${token}`;
    const prefix = this.#url.pathname.replace(/\/$/, '');
    return { ...request, path: prefix + request.path, headers };
  }

  async #token(): Promise<string | undefined> {
    const { token, credentials } = this.#options;
    if (!credentials) return token?.();
    const credential = await credentials.get();
    if (credential.cert !== this.#shown.cert || credential.key !== this.#shown.key) this.#reopen();
    this.#shown = credential;
    return credential.token;
  }

  /** Requests under way end on the connection that they began on. */
  #reopen(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    void connection?.then(retire, () => undefined);
  }

  async #connect(): Promise<Connection> {
    if (this.#closed) throw new Error('the client was closed');
    for (;;) {
      this.#connection ??= this.#open();
      const promise = this.#connection;
      try {
        const connection = await promise;
        if (connection.kind === 'h1' || connection.session.usable) return connection;
        if (this.#connection === promise) this.#connection = undefined;
      } catch (error) {
        if (this.#connection === promise) this.#connection = undefined;
        throw error;
      }
    }
  }

  async #open(): Promise<Connection> {
    const { proxyUrl } = this.#options;
    const kept = { keepAlive: true, ...(proxyUrl && { proxyEnv: { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl } }) };
    if (this.#url.protocol === 'http:') return { kind: 'h1', agent: new http.Agent(kept) };
    const secure = this.#secureContext();
    if (proxyUrl) return { kind: 'h1', agent: new HttpsAgent({ ...secure, ...kept }) };
    const socket = await connectTls({ ...secure, ALPNProtocols: ['h2', 'http/1.1'] }, this.#options.clock);
    if (socket.alpnProtocol === 'h2') {
      const session = http2.connect(this.#url.origin, {
        createConnection: () => socket,
        settings: { enablePush: false, initialWindowSize: 1 << 20 },
      });
      return { kind: 'h2', session: new Http2Session(session, this.#url.host, this.#options.clock) };
    }
    socket.destroy();
    return { kind: 'h1', agent: new HttpsAgent({ ...secure, ...kept }) };
  }

  #secureContext(): tls.ConnectionOptions {
    const { ca, insecureSkipTlsVerify, tlsServerName, credentials } = this.#options;
    const { cert, key } = credentials ? this.#shown : this.#options;
    const host = hostnameOf(this.#url);
    const servername = tlsServerName ?? (isIP(host) ? '' : host);
    return {
      host,
      port: Number(this.#url.port || 443),
      servername,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert, key }),
      rejectUnauthorized: !insecureSkipTlsVerify,
      // With an empty SNI (an IP address) the check must still be against the host.
      checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(tlsServerName ?? host, certificate),
    };
  }
}

function connectTls(options: tls.ConnectionOptions, clock: Clock): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect(options);
    const tooLate = () => socket.destroy(new Error('the API server did not answer the connection'));
    const timer = clock.after(connectTimeout, tooLate);
    socket.setNoDelay(true);
    socket.once('close', () => timer.cancel());
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      timer.cancel();
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function retire(connection: Connection): void {
  if (connection.kind === 'h2') connection.session.retire();
}

function closeConnection(connection: Connection): void {
  if (connection.kind === 'h2') connection.session.close();
  else connection.agent.destroy();
}

const lossCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_INVALID_SESSION',
  'ERR_HTTP2_SESSION_ERROR',
]);

function isConnectionLoss(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && lossCodes.has(code);
}
