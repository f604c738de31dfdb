// The HTTPS front: HTTP/2 and HTTP/1.1 on one port, client certificates asked for but not demanded.
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
} from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../system/clock.ts';
import { http } from '../system/http.ts';
import { type CertificateAuthorities, type ClientCertificate, ClientCertificateReader } from './client-certificate.ts';
import { NodeRequest } from './node-request.ts';
import { type Incoming, type Outgoing, sendResponse } from './node-response.ts';
import type { ApiRequest, ApiResponse } from './request.ts';
import { isHijack } from './request.ts';
import { SharedTurn } from './shared-turn.ts';

/** As of Go's servers: what a request line and its headers may take, for both versions of HTTP. */
const mostHeaderBytes = 1024 * 1024;
const mostHeaders = 2000;
/**
 * As kube-apiserver's, and as long as Go's clients keep a connection. Where the server is first to close one, a request that
 * another client sends at that moment is lost; after Node.js's 5 s that is so for whoever asks once in a while.
 */
const idleMs = 90_000;

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Whose client certificates are believed, and for what. */
  readonly authorities: CertificateAuthorities;
  readonly clock: Clock;
  /** Asked with every request over HTTP/2: whether its connection is to be made anew. Absent: none is. */
  readonly isGoingAway?: () => boolean;
}

/** How long answers may take that are being made when the server ends. */
const answeringMs = 1000;
/** And how long their bytes may take to leave. */
const flushMs = 200;

export type Handler = (request: ApiRequest) => Promise<ApiResponse>;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #handler: Handler;
  readonly #sockets = new Set<TLSSocket>();
  /** How many answers are being made: not those that are streamed, which end when their client likes. */
  #answering = 0;
  /** Calls back when the last of them is made. */
  #answered: (() => void) | undefined;
  readonly #reader: ClientCertificateReader;
  readonly #turn = new SharedTurn();
  /** By connection: the socket, or the session of HTTP/2. */
  readonly #certificates = new WeakMap<object, { readonly certificate: ClientCertificate | undefined }>();
  #server: Http2SecureServer | undefined;

  constructor(options: ListenerOptions, handler: Handler) {
    this.#options = options;
    this.#handler = handler;
    this.#reader = new ClientCertificateReader(options.authorities);
  }

  /** Rejects when the port is taken. */
  async listen(): Promise<net.AddressInfo> {
    const { cert, key, authorities, host, port } = this.#options;
    const server = createSecureServer({
      cert,
      key,
      ca: Object.values(authorities),
      requestCert: true,
      rejectUnauthorized: false,
      allowHTTP1: true,
      http1Options: { keepAliveTimeout: idleMs },
      maxHeaderSize: mostHeaderBytes,
      maxHeaderListPairs: mostHeaders,
      // One with a body is answered as if it did not ask for another protocol: with that, the body would be lost.
      shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
        headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0',
      settings: { maxConcurrentStreams: 1000, maxHeaderListSize: mostHeaderBytes },
    } as SecureServerOptions);
    this.#server = server;
    server.on('secureConnection', (socket: TLSSocket) => this.#accepted(socket));
    server.on('request', (req: Http2ServerRequest, res: Http2ServerResponse) => {
      // Both kinds have what is used of them; an HTTP/1.1 request comes as the http module's.
      void this.#handle(req as Http2ServerRequest | IncomingMessage, res as Http2ServerResponse | ServerResponse);
    });
    const { isGoingAway } = this.#options;
    if (isGoingAway) {
      server.on('request', ({ stream }: Http2ServerRequest) => {
        // Sends GOAWAY; what is under way is answered.
        if (stream?.session && isGoingAway()) stream.session.close();
      });
    }
    server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#upgrade(req, socket, head);
    });
    server.on('sessionError', () => {});
    server.on('tlsClientError', () => {});
    const { promise, resolve, reject } = Promise.withResolvers<net.AddressInfo>();
    server.once('error', reject);
    server.listen(boundSocket(host, port) ?? { host, port }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve(server.address() as net.AddressInfo);
    });
    return promise;
  }

  /** Shows another certificate to connections from now on; those that are there stay. */
  renew({ cert, key }: Pick<ListenerOptions, 'cert' | 'key'>): void {
    this.#server?.setSecureContext({ cert, key, ca: Object.values(this.#options.authorities) });
  }

  /** Stops taking connections; what is being answered has a moment to be, then connections are cut. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const { clock } = this.#options;
    const patience = new AbortController();
    const late = clock.sleep(answeringMs, patience.signal).catch(() => {});
    await Promise.race([this.#allAnswered(), late]);
    patience.abort();
    // What was handed over leaves first; who does not read it is not waited for.
    for (const socket of this.#sockets) socket.destroySoon();
    const cut = clock.after(flushMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    cut.cancel();
  }

  #allAnswered(): Promise<void> {
    if (this.#answering === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  #accepted(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.setNoDelay(true);
  }

  /** Read once per connection. */
  #certificateOf(req: Incoming): ClientCertificate | undefined {
    // The socket of an HTTP/2 session is a stand-in, made anew for each request; what it says of the peer is true.
    const connection = 'stream' in req ? (req.stream.session ?? req.socket) : req.socket;
    const known = this.#certificates.get(connection);
    if (known) return known.certificate;
    const certificate = this.#reader.read(req.socket as TLSSocket);
    this.#certificates.set(connection, { certificate });
    return certificate;
  }

  async #handle(req: Incoming, res: Outgoing): Promise<void> {
    const request = new NodeRequest(req, { outgoing: res, certificate: this.#certificateOf(req) });
    let response: ApiResponse;
    this.#answering += 1;
    try {
      await this.#turn.wait();
      response = await this.#handler(request);
    } catch {
      // The server ends before it was ready: there is nobody to answer.
      req.destroy();
      return;
    } finally {
      this.#answering -= 1;
      if (this.#answering === 0) this.#answered?.();
    }
    const sending = sendResponse(response, { request, outgoing: res });
    if (sending) await sending;
  }

  async #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const upgrade = { incoming: req, socket, head };
    const request = new NodeRequest(req, { upgrade, certificate: this.#certificateOf(req) });
    try {
      const response = await this.#handler(request);
      if (isHijack(response.body)) response.body.hijack(upgrade);
      // Who may upgrade need not: the answer is that of any other request.
      else await sendResponse(response, { request, outgoing: plainAnswer(req, socket) });
    } catch {
      socket.destroy();
    }
  }
}

/**
 * Undefined where the host is no IPv4 address, or Node.js has no such sockets yet. Given a host, it would look it up, and look
 * at each address with an expression that takes 6 ms to compile. Throws where the port is taken.
 */
function boundSocket(host: string, port: number): net.BoundSocket | undefined {
  return net.BoundSocket && net.isIPv4(host) ? new net.BoundSocket({ host, port }) : undefined;
}

/** What writes a plain answer to a connection that the HTTP server has let go of, and ends it. */
function plainAnswer(req: IncomingMessage, socket: Duplex): ServerResponse {
  const outgoing = new http.ServerResponse(req);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket as TLSSocket);
  socket.on('drain', () => outgoing.emit('drain'));
  outgoing.once('finish', () => socket.end());
  return outgoing;
}
