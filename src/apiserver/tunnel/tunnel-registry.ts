// The API server's end of the way to kubelets (docs/design.md): the connections that agents hold open, by node name. Over
// each the API server is the HTTP/2 client; several requests share one.
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { plainDuplex } from '../../client/plain-duplex.ts';
import { readText } from '../../client/watch-stream.ts';
import { joinHostPort } from '../../net/ip.ts';
import type { Clock, Timer } from '../../system/clock.ts';

export interface TunnelRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent from the beginning: who answers may want all of it first. Absent: the caller writes to the response's stream. */
  readonly body?: AsyncIterable<Uint8Array>;
  /** Ends the request early; the stream is destroyed. */
  readonly signal?: AbortSignal;
}

export interface TunnelResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Readable: the response's body. Writable: the request's body, unless it was given or the method was GET, HEAD or DELETE. */
  readonly stream: Duplex;
}

/** The node's agent has no connection to this server, or the connection broke before an answer came. */
export class NodeUnreachableError extends Error {
  readonly kind = 'node-unreachable';
  readonly nodeName: string;

  constructor(nodeName: string, why: string) {
    super(`node ${nodeName} is not reachable: ${why}`);
    this.nodeName = nodeName;
  }
}

/** The node's agent could not open the TCP connection; the message says why (`dial tcp 10.244.1.2:80: connect: connection refused`). */
export class DialError extends Error {
  readonly kind = 'dial';
}

interface Tunnel {
  readonly session: ClientHttp2Session;
  readonly socket: Duplex;
}

const pingInterval = 10_000;
const pingTimeout = 10_000;
/** How long (ms) a request waits for an agent that is not connected: it may be starting, or coming back. */
const connectWait = 3_000;
const bodiless = new Set(['GET', 'HEAD', 'DELETE']);

export class TunnelRegistry {
  readonly #clock: Clock;
  readonly #tunnels = new Map<string, Tunnel[]>();
  readonly #waiters = new Map<string, Set<() => void>>();
  readonly #first = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the first agent connects: the cluster has nodes of its own. */
  get connected(): Promise<void> {
    return this.#first.promise;
  }

  /** Names of the nodes that are connected now. */
  get nodeNames(): readonly string[] {
    return [...this.#tunnels.keys()];
  }

  /** Takes a connection over that was upgraded: from here on it speaks HTTP/2. */
  accept(nodeName: string, socket: Duplex): void {
    // The bytes go over the socket that is there; the authority only fills a header.
    const session = http2.connect('http://node.invalid', {
      createConnection: () => plainDuplex(socket),
      settings: { initialWindowSize: 1 << 20, enablePush: false },
    });
    const tunnel: Tunnel = { session, socket };
    session.on('error', () => socket.destroy());
    session.once('close', () => this.#remove(nodeName, tunnel));
    session.once('goaway', () => this.#remove(nodeName, tunnel));
    socket.once('close', () => session.destroy());
    // The newest connection is the likeliest to live, so it is asked first.
    this.#tunnels.set(nodeName, [tunnel, ...(this.#tunnels.get(nodeName) ?? [])]);
    for (const wake of this.#waiters.get(nodeName) ?? []) wake();
    this.#first.resolve();
  }

  #remove(nodeName: string, tunnel: Tunnel): void {
    const left = (this.#tunnels.get(nodeName) ?? []).filter((t) => t !== tunnel);
    if (left.length > 0) this.#tunnels.set(nodeName, left);
    else this.#tunnels.delete(nodeName);
  }

  /** Pings every connection until the signal aborts, and drops those that do not answer; then closes all. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(pingInterval, signal).catch(() => {});
      if (signal.aborted) break;
      for (const tunnels of this.#tunnels.values()) for (const tunnel of tunnels) this.#ping(tunnel);
    }
    for (const tunnels of [...this.#tunnels.values()]) for (const { socket } of tunnels) socket.destroy();
  }

  #ping({ session, socket }: Tunnel): void {
    const timer = this.#clock.after(pingTimeout, () => socket.destroy());
    const sent = session.ping((error) => {
      timer.cancel();
      if (error) socket.destroy();
    });
    if (!sent) timer.cancel();
  }

  /**
   * Sends a request to the node's agent and resolves with the head of its answer. Rejects with
   * {@link NodeUnreachableError}, or the signal's reason.
   */
  async request(nodeName: string, { method, path, headers, body, signal }: TunnelRequest): Promise<TunnelResponse> {
    const fields = { ...headers, ':method': method, ':path': path };
    return this.#open(nodeName, fields, { endStream: !body && bodiless.has(method), body, signal });
  }

  /** A TCP connection as from the node. Rejects with {@link DialError} when the node's system refuses. */
  async dial(nodeName: string, host: string, port: number): Promise<Duplex> {
    const authority = joinHostPort(host, port);
    const { status, stream } = await this.#open(nodeName, { ':method': 'CONNECT', ':authority': authority }, {});
    if (status === 200) return stream;
    throw new DialError((await readText(stream)) || `the agent answered ${status}`);
  }

  async #open(
    nodeName: string,
    headers: OutgoingHttpHeaders,
    {
      endStream = false,
      body,
      signal,
    }: {
      readonly endStream?: boolean;
      readonly body?: AsyncIterable<Uint8Array> | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<TunnelResponse> {
    signal?.throwIfAborted();
    const { session } = await this.#tunnel(nodeName);
    const stream = session.request(headers, { endStream, ...(signal && { signal }) });
    // Whoever answers early needs no more of it; what else goes wrong, the answer or its absence tells.
    if (body) void pipeline(body, stream).catch(() => {});
    return new Promise((resolve, reject) => {
      const fail = (error?: Error) => {
        const why = error?.message ?? 'the connection closed before an answer came';
        reject(signal?.aborted ? signal.reason : new NodeUnreachableError(nodeName, why));
      };
      stream.once('error', fail);
      stream.once('close', fail);
      stream.once('response', (answer) => {
        stream.off('close', fail);
        stream.on('error', () => {});
        resolve(toResponse(stream, answer));
      });
    });
  }

  #tunnel(nodeName: string): Promise<Tunnel> {
    const find = () => this.#tunnels.get(nodeName)?.find(({ session }) => !session.closed && !session.destroyed);
    const found = find();
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(nodeName) ?? new Set();
      this.#waiters.set(nodeName, waiters);
      const settle = (timer: Timer) => {
        timer.cancel();
        waiters.delete(wake);
        if (waiters.size === 0) this.#waiters.delete(nodeName);
      };
      const timer = this.#clock.after(connectWait, () => {
        settle(timer);
        reject(new NodeUnreachableError(nodeName, 'its agent is not connected'));
      });
      const wake = () => {
        const tunnel = find();
        if (!tunnel) return;
        settle(timer);
        resolve(tunnel);
      };
      waiters.add(wake);
    });
  }
}

function toResponse(stream: ClientHttp2Stream, answer: Readonly<Record<string, unknown>>): TunnelResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer)) {
    if (!name.startsWith(':') && value !== undefined) headers[name] = String(value);
  }
  return { status: Number(answer[':status']), headers, stream };
}
