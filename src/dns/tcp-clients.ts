// Clients over TCP: several questions on a connection, answered as they are ready (RFC 7766), within limits that leave room
// for others.
import type { Socket } from 'node:net';
import type { Respond } from './listener.ts';
import type { Client } from './respond.ts';
import { frame, MessageReader } from './wire/frames.ts';

/** Milliseconds that a client may say nothing, and that one message may take to arrive. */
const idleMs = 10_000;
/** Connections in all, and of one address. At the first limit the one that said nothing longest goes, unless all wait for replies. */
const mostConnections = 1000;
const mostOfOneAddress = 200;
/** Questions of a connection that wait for upstreams, and bytes it has not taken yet, before it is answered and read no further. */
const mostWaiting = 100;
const mostUnsent = 256 * 1024;

export class TcpClients {
  readonly #respond: Respond;
  /** The one that spoke last is last. */
  readonly #connections = new Set<Connection>();
  readonly #countOf = new Map<string, number>();

  constructor(respond: Respond) {
    this.#respond = respond;
  }

  add(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const count = this.#countOf.get(address) ?? 0;
    if (count >= mostOfOneAddress || !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, this.#respond, () => {
      this.#connections.delete(connection);
      this.#connections.add(connection);
    });
    this.#connections.add(connection);
    this.#countOf.set(address, count + 1);
    socket.once('close', () => {
      this.#connections.delete(connection);
      const left = (this.#countOf.get(address) ?? 1) - 1;
      if (left > 0) this.#countOf.set(address, left);
      else this.#countOf.delete(address);
    });
  }

  /** Whether there is room for one more, if need be in another's place: first an idle one's, then one's that is slow to ask. */
  #makeRoom(): boolean {
    if (this.#connections.size < mostConnections) return true;
    const connections = [...this.#connections];
    const last =
      connections.find(({ state }) => state === 'idle') ?? connections.find(({ state }) => state === 'asking');
    last?.end();
    return last !== undefined;
  }

  close(): void {
    for (const connection of this.#connections) connection.end();
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #respond: Respond;
  readonly #client: Client;
  readonly #reader = new MessageReader();
  /** Questions that came while it was full. */
  readonly #unanswered: Buffer[] = [];
  #waiting = 0;
  #ended = false;
  #partialTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, respond: Respond, spoke: () => void) {
    this.#socket = socket;
    this.#respond = respond;
    this.#client = { transport: 'tcp', address: socket.remoteAddress ?? '' };
    socket.setTimeout(idleMs, () => {
      if (this.#waiting === 0) this.end();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(this.#partialTimer);
      this.#unanswered.length = 0;
    });
    socket.on('end', () => this.#endWhenDone());
    socket.on('drain', () => this.#answer());
    socket.on('data', (data: Buffer) => {
      spoke();
      this.#take(data);
    });
  }

  /** `idle` may be closed without taking anything from its client. */
  get state(): 'idle' | 'asking' | 'waiting' {
    if (this.#unfinished) return 'waiting';
    return this.#reader.partial ? 'asking' : 'idle';
  }

  get #unfinished(): boolean {
    return this.#waiting > 0 || this.#unanswered.length > 0;
  }

  /** A client that takes no replies gets no more: each may be a thousand times its question. */
  get #full(): boolean {
    return this.#waiting >= mostWaiting || this.#socket.writableLength > mostUnsent;
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    const packets = this.#reader.take(data);
    this.#unanswered.push(...packets);
    this.#limitPartial(packets.length > 0);
    this.#answer();
  }

  #answer(): void {
    while (!this.#full) {
      const packet = this.#unanswered.shift();
      if (!packet) break;
      const reply = this.#respond(packet, this.#client);
      if (!reply) {
        // What is no query has lost its place in the stream.
        this.end();
        return;
      }
      if (Buffer.isBuffer(reply)) this.#write(reply);
      else this.#writeLater(reply);
    }
    if (this.#unanswered.length > 0) this.#socket.pause();
    else if (this.#ended) this.#endWhenDone();
    else this.#socket.resume();
  }

  #writeLater(reply: Promise<Buffer>): void {
    this.#waiting += 1;
    void reply.then((later) => {
      this.#waiting -= 1;
      this.#write(later);
      this.#answer();
    });
  }

  /** Whoever sends a byte now and then is not idle; so each message has its own time to arrive. */
  #limitPartial(begun: boolean): void {
    if (begun || !this.#reader.partial) {
      clearTimeout(this.#partialTimer);
      this.#partialTimer = undefined;
    }
    if (this.#reader.partial) this.#partialTimer ??= setTimeout(() => this.end(), idleMs);
  }

  #write(reply: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(frame(reply));
  }

  #endWhenDone(): void {
    this.#ended = true;
    if (!this.#unfinished) this.#socket.end();
  }
}
