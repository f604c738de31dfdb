// The agent's end of the way to kubelets (docs/design.md): a connection that the agent opens and keeps open, over which
// the API server is the HTTP/2 client and the agent the server.

import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorMessage } from '../apimachinery/error-message.ts';
import { dialError } from '../net/dial-error.ts';
import { joinHostPort } from '../net/ip.ts';
import type { Clock } from '../system/clock.ts';
import { http } from '../system/http.ts';
import type { Random } from '../system/random.ts';
import { Backoff } from './backoff.ts';
import { plainDuplex } from './plain-duplex.ts';

/** Serves one request of the API server; the paths are the kubelet's. What it throws answers 500. */
export type TunnelHandler = (request: Http2ServerRequest, response: Http2ServerResponse) => void | Promise<void>;

export interface TunnelOptions {
  /** As in `https://172.30.0.1:6443`. */
  readonly server: string;
  /** PEM of the cluster's CA. */
  readonly ca: string;
  /** The agent's client certificate; read anew for every connection, since it is rotated. */
  readonly credentials: () => { readonly certPem: string; readonly keyPem: string };
  readonly nodeName: string;
  readonly handler: TunnelHandler;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each change, for the log: why a connection could not be made or was lost; undefined when one stands. */
  readonly onState?: (lost: Error | undefined) => void;
  /** Opens the TCP connections that the API server asks for with CONNECT; default: from this process's network namespace. */
  readonly dial?: (host: string, port: number) => Socket;
}

/** Milliseconds between tries. */
const retryDelays = { base: 100, max: 5_000 };
/** A connection without an answer in this time (ms) is given up. */
const handshakeTimeout = 10_000;
/** The API server pings every 10 s: silence of this length (ms) means that it is gone. */
const idleTimeout = 35_000;

/** Keeps the tunnel open until the signal aborts; resolves then. Never rejects: what goes wrong is retried and told to `onState`. */
export async function runTunnel(options: TunnelOptions, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff({ ...retryDelays, random: options.random });
  while (!signal.aborted) {
    try {
      const socket = await openTunnel(options, signal);
      backoff.reset();
      options.onState?.(undefined);
      await serve(socket, options, signal);
      if (!signal.aborted) options.onState?.(new Error('the API server closed the tunnel'));
    } catch (error) {
      if (!signal.aborted) options.onState?.(error instanceof Error ? error : new Error(String(error)));
    }
    await options.clock.sleep(backoff.next(), signal).catch(() => {});
  }
}

/** Asks for the upgrade; resolves with the raw connection once the server answered 101. */
function openTunnel(options: TunnelOptions, signal: AbortSignal): Promise<Duplex> {
  const url = new URL(`/portico/v1/nodes/${encodeURIComponent(options.nodeName)}/tunnel`, options.server);
  const headers = { Connection: 'Upgrade', Upgrade: 'portico-tunnel', 'Content-Length': '0' };
  const common = { method: 'POST', headers, signal, agent: false, timeout: handshakeTimeout } as const;
  return new Promise((resolve, reject) => {
    const { certPem, keyPem } = options.credentials();
    const request =
      url.protocol === 'http:'
        ? http.request(url, common)
        : httpsRequest(url, { ...common, ca: options.ca, cert: certPem, key: keyPem });
    request.once('upgrade', (_response, socket, head) => {
      socket.setTimeout(0);
      socket.setNoDelay?.(true);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once('response', (response) => {
      response.resume();
      reject(new Error(`the API server refused the tunnel: ${response.statusCode} ${response.statusMessage}`));
    });
    request.once('timeout', () => request.destroy(new Error('no answer from the API server')));
    request.once('error', reject);
    request.end();
  });
}

/** Serves HTTP/2 on the connection; resolves when it is over. */
function serve(socket: Duplex, { handler, dial }: TunnelOptions, signal: AbortSignal): Promise<void> {
  const server = http2.createServer({ settings: { initialWindowSize: 1 << 20, enableConnectProtocol: false } });
  server.on('request', (request, response) => {
    const served = async () => handler(request, response);
    served().catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(errorMessage(error));
    });
  });
  server.on('connect', (request, response) => connectStream(request, response, dial));
  server.on('sessionError', () => socket.destroy());
  return new Promise((resolve) => {
    const stop = () => socket.destroy();
    socket.once('close', () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    socket.on('error', stop);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    server.on('session', (session) => {
      session.setTimeout(idleTimeout, stop);
      // Pings alone do not count as traffic to Node.js.
      session.on('ping', () => session.setTimeout(idleTimeout));
      session.on('close', stop);
    });
    server.emit('connection', plainDuplex(socket));
  });
}

/** `host:port`, `[v6]:port`. */
export function parseAuthority(authority: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(authority);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function connectStream(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  dial: TunnelOptions['dial'] = (host, port) => connectTcp({ host, port, noDelay: true, allowHalfOpen: true }),
): void {
  const target = parseAuthority(request.headers[':authority'] ?? '');
  const { stream } = response;
  if (!target) {
    response.writeHead(400).end('CONNECT needs host:port');
    return;
  }
  const socket = dial(target.host, target.port);
  const refuse = ({ code, message }: NodeJS.ErrnoException) => {
    if (stream.headersSent || stream.destroyed) return;
    response.writeHead(502).end(dialError(code, joinHostPort(target.host, target.port)) ?? message);
  };
  stream.on('error', () => socket.destroy());
  stream.on('close', () => socket.destroy());
  socket.once('error', refuse);
  socket.once('connect', () => {
    socket.off('error', refuse);
    socket.on('error', () => stream.destroy());
    if (stream.destroyed) {
      socket.destroy();
      return;
    }
    stream.respond({ ':status': 200 });
    stream.pipe(socket);
    socket.pipe(stream);
  });
}
