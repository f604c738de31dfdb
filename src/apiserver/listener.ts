// The HTTPS front: HTTP/2 and HTTP/1.1 on one port, client certificates asked for but not demanded.
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from 'node:http2';
import net from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../system/clock.ts';
import { answerHalfClosed, http } from '../system/http.ts';
import { type CertificateAuthorities, type ClientCertificate, ClientCertificateReader } from './client-certificate.ts';
import { Http1Connection } from './http1-connection.ts';
import { type Http1Refusal, http1Refusal } from './http1-refusal.ts';
import { type AnsweredBy, Http1Request } from './http1-request.ts';
import { endStream, Http2Request } from './http2-request.ts';
import type { NetworkRequest } from './network-request.ts';
import { breakOff, type Outgoing, sendResponse } from './network-response.ts';
import { PlainConnection } from './plain-connection.ts';
import type { ApiRequest, ApiResponse } from './request.ts';
import { isHijack } from './request.ts';
import { SessionUse } from './session-use.ts';
import { SharedTurn } from './shared-turn.ts';

/** As of Go's servers: what a request line and its headers may take, for both versions of HTTP. */
const mostHeaderBytes = 1024 * 1024;
const mostHeaders = 2000;
/**
 * As kube-apiserver's, and as long as Go's clients keep a connection. Where the server is first to close one, a request that
 * another client sends at that moment is lost; after Node.js's 5 s that is so for whoever asks once in a while.
 */
const idleMs = 90_000;
const keepAliveMs = 15_000;
/**
 * As kube-apiserver's: how long TLS may take to begin, and the head of a request over HTTP/1.1. Its body is given time by who reads it:
 * through a proxy it may last as long as its client likes, and Node.js would end it after 5 minutes.
 */
const headMs = 32_000;

/**
 * Of one session of HTTP/2, in MB: past it Node.js resets new streams, and after 100 of these the session. What waits to be sent
 * counts, so with its 10 MB whoever read a few long lists at once was refused everything else.
 */
const sessionMemory = 1024;

/**
 * How many streams of a session its client may take back: at once, and each second. Past it the session ends, and with it the
 * watches and writes of a client whose other requests ran out of time. Go's servers count none; what is taken back early costs little.
 */
const resets = { streamResetBurst: 5000, streamResetRate: 500 };

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
  /** Below TLS: also of those that never get as far. */
  readonly #open = new Set<net.Socket>();
  readonly #sockets = new Set<TLSSocket>();
  /** How many answers are being made: not those that are streamed, which end when their client likes. */
  #answering = 0;
  /** Calls back when the last of them is made. */
  #answered: (() => void) | undefined;
  readonly #reader: ClientCertificateReader;
  readonly #turn = new SharedTurn();
  readonly #connections = new WeakMap<Duplex, Http1Connection>();
  readonly #uses = new WeakMap<Http2Session, SessionUse>();
  #server: Http2SecureServer | undefined;

  constructor(options: ListenerOptions, handler: Handler) {
    this.#options = options;
    this.#handler = handler;
    this.#reader = new ClientCertificateReader(options.authorities, options.clock);
  }

  /** Rejects when the port is taken. */
  async listen(): Promise<net.AddressInfo> {
    const { host, port } = this.#options;
    const server = this.#createServer();
    this.#server = server;
    this.#follow(server);
    const { promise, resolve, reject } = Promise.withResolvers<net.AddressInfo>();
    server.once('error', reject);
    server.listen(boundSocket(host, port) ?? { host, port }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve(server.address() as net.AddressInfo);
    });
    return promise;
  }

  #createServer(): Http2SecureServer {
    const { cert, key, authorities } = this.#options;
    const server = createSecureServer({
      cert,
      key,
      ca: Object.values(authorities),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: headMs,
      allowHTTP1: true,
      http1Options: { keepAliveTimeout: idleMs, headersTimeout: headMs, requestTimeout: 0 },
      // As Go's: of a client whose machine is gone nobody else tells, and its watches would stay.
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      maxHeaderSize: mostHeaderBytes,
      maxHeaderListPairs: mostHeaders,
      maxSessionMemory: sessionMemory,
      ...resets,
      settings: { maxConcurrentStreams: 1000, maxHeaderListSize: mostHeaderBytes },
    } as SecureServerOptions);
    answerHalfClosed(server);
    Object.assign(server, {
      // Node.js takes it for no option where a server speaks HTTP/2, too.
      maxHeadersCount: mostHeaders,
      // It lets go of a connection that upgrades: answers that are being made would not hear of its end.
      shouldUpgradeCallback: ({ socket }: IncomingMessage) => this.#connectionOf(socket).isAnswered,
    });
    return server;
  }

  #follow(server: Http2SecureServer): void {
    const { clock } = this.#options;
    server.on('connection', (socket: net.Socket) => {
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
    });
    const listeners = server.listeners('secureConnection');
    server.removeAllListeners('secureConnection');
    server.on('secureConnection', (socket: TLSSocket) => {
      const serveByNode = (connection: Duplex) => {
        for (const listener of listeners) Reflect.apply(listener, server, [connection]);
      };
      this.#accepted(socket);
      if (socket.alpnProtocol === 'h2') serveByNode(socket);
      else this.#servePlainly(socket, serveByNode);
    });
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      void this.#http1(incoming, outgoing);
    });
    server.on('clientError', (error: Error, socket: Duplex) => void this.#connectionOf(socket).fail(error));
    server.on('connect', (incoming: IncomingMessage, socket: Duplex) => {
      const connection = this.#connectionOf(incoming.socket);
      if (connection.isAnswered) refuse(plainAnswer(incoming, socket), noTunnels);
      else connection.cut();
    });
    server.on('session', (session) => this.#uses.set(session, new SessionUse(session, { clock, idleMs })));
    // Node's own, which makes a request in the manner of HTTP/1.1 of each stream, comes with whoever listens for requests.
    server.removeAllListeners('stream');
    server.on('stream', (stream, headers, _flags, rawHeaders) =>
      this.#stream(stream as ServerHttp2Stream, headers, rawHeaders),
    );
    server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#upgrade(req, socket, head);
    });
    server.on('sessionError', () => {});
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      if (error.code === 'ERR_SSL_HTTP_REQUEST') this.#answerPlainly(socket);
    });
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
      for (const socket of this.#open) socket.destroy();
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
    // As Go's servers: who asks is told from the certificate of the connection's beginning.
    socket.disableRenegotiation();
    // A session of HTTP/2 ends with what its client sends.
    socket.allowHalfOpen = socket.alpnProtocol !== 'h2';
  }

  /** Until there is a request that Node's server of HTTP/1.1 is needed for. */
  #servePlainly(socket: TLSSocket, serveByNode: (connection: Duplex) => void): void {
    new PlainConnection(socket, {
      clock: this.#options.clock,
      headMs,
      idleMs,
      certificate: () => this.#certificateOf(socket),
      serve: (request, connection) => void this.#handle(request, connection),
      handOver: (bytes, isAll) => {
        if (isAll) {
          const rest = restOf(socket, bytes);
          this.#connections.set(rest, this.#connectionOf(socket));
          serveByNode(rest);
          return;
        }
        socket.pause();
        socket.unshift(bytes);
        serveByNode(socket);
        socket.resume();
      },
    });
  }

  /** Who speaks HTTP without TLS is told so, in the words of Go's servers. */
  #answerPlainly({ remoteAddress, remotePort }: TLSSocket): void {
    for (const socket of this.#open) {
      if (socket.remotePort === remotePort && socket.remoteAddress === remoteAddress) socket.end(noTls);
    }
  }

  #connectionOf(socket: Duplex): Http1Connection {
    const known = this.#connections.get(socket);
    if (known) return known;
    const connection = new Http1Connection(socket as TLSSocket, this.#options.clock);
    this.#connections.set(socket, connection);
    return connection;
  }

  #certificateOf(socket: TLSSocket): ClientCertificate | undefined {
    const connection = this.#connectionOf(socket);
    connection.certificate ??= { certificate: this.#reader.read(socket) };
    return connection.certificate.certificate;
  }

  async #http1(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const connection = this.#connectionOf(incoming.socket);
    const before = connection.begin({ incoming, outgoing });
    if (before) {
      await before;
      // The answer before it was the last one.
      if (!connection.isOpen) return;
      // One that was not to be: of what comes behind it Node.js reads nothing.
      if (incoming.headers.upgrade !== undefined) outgoing.shouldKeepAlive = false;
    }
    const refusal = http1Refusal(incoming);
    if (refusal) refuse(outgoing, refusal);
    else await this.#handle(this.#http1Request(incoming, { outgoing }), outgoing);
  }

  #http1Request(incoming: IncomingMessage, answeredBy: AnsweredBy): Http1Request {
    const clientCertificate = this.#certificateOf(incoming.socket as TLSSocket);
    return new Http1Request(incoming, { clientCertificate, clock: this.#options.clock, answeredBy });
  }

  #stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    // Clients reset streams; what they were for ends with their close.
    stream.on('error', () => {});
    const { session } = stream;
    const use = session && this.#uses.get(session);
    if (!use) return;
    // Sends GOAWAY; what is under way is answered.
    if (this.#options.isGoingAway?.()) session.close();
    const refusal = refusalOf(headers);
    if (refusal !== undefined) {
      stream.respond({ ':status': refusal }, { endStream: true });
      endStream(stream);
      return;
    }
    if (headers.expect !== undefined && !stream.endAfterHeaders) stream.additionalHeaders({ ':status': 100 });
    use.certificate ??= { certificate: this.#reader.read(session.socket as TLSSocket) };
    const clientCertificate = use.certificate.certificate;
    const request = new Http2Request({ stream, headers, rawHeaders, clientCertificate, clock: this.#options.clock });
    use.idle.begin();
    void this.#handle(request, stream).then(use.idle.end);
  }

  async #handle(request: NetworkRequest, outgoing: Outgoing): Promise<void> {
    let response: ApiResponse;
    this.#answering += 1;
    try {
      await this.#turn.wait();
      // Asked and taken back in one breath, which over HTTP/2 costs a client next to nothing.
      if (outgoing.destroyed) return;
      response = await this.#handler(request);
    } catch {
      // The server ends before it was ready: there is nobody to answer.
      breakOff(outgoing);
      return;
    } finally {
      this.#answering -= 1;
      if (this.#answering === 0) this.#answered?.();
    }
    const sending = sendResponse(response, { request, outgoing });
    if (sending) await sending;
    request.dropRest();
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const upgrade = { incoming, socket, head };
    socket.allowHalfOpen = false;
    const refusal = http1Refusal(incoming);
    if (refusal) return refuse(plainAnswer(incoming, socket), refusal);
    const request = this.#http1Request(incoming, { upgrade });
    try {
      const response = await this.#handler(request);
      if (isHijack(response.body)) response.body.hijack(upgrade);
      // Who may upgrade need not: the answer is that of any other request.
      else await sendResponse(response, { request, outgoing: plainAnswer(incoming, socket) });
    } catch {
      socket.destroy();
    }
  }
}

/** A connection whose client has said all that it will: this is what is left to read of it. */
function restOf(socket: TLSSocket, bytes: Buffer): Duplex {
  const rest = new Duplex({
    read() {
      this.push(bytes);
      this.push(null);
    },
    write: (chunk, encoding, done) => void socket.write(chunk, encoding, done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.once('close', () => rest.destroy());
  return Object.assign(rest, { alpnProtocol: socket.alpnProtocol, remoteAddress: socket.remoteAddress });
}

/** What Node's HTTP/1.1 refuses of itself; undefined: nothing is wrong with it. */
function refusalOf(headers: IncomingHttpHeaders): number | undefined {
  if (headers[':method'] === 'CONNECT') return 405;
  return headers.expect === undefined || /(?:^|\W)100-continue(?:$|\W)/i.test(headers.expect) ? undefined : 417;
}

/**
 * Undefined where the host is no IPv4 address, or Node.js has no such sockets yet. Given a host, it would look it up, and look
 * at each address with an expression that takes 6 ms to compile. Throws where the port is taken.
 */
function boundSocket(host: string, port: number): net.BoundSocket | undefined {
  return net.BoundSocket && net.isIPv4(host) ? new net.BoundSocket({ host, port }) : undefined;
}

const noTls = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';
const noTunnels: Http1Refusal = { status: 405, text: '405 Method Not Allowed' };

function refuse(outgoing: ServerResponse, { status, text }: Http1Refusal): void {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': text.length, connection: 'close' };
  outgoing.writeHead(status, headers);
  outgoing.end(text);
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
