// Clients over TCP: several questions on a connection, answered as they are ready (RFC 7766), within limits that leave room
// for others.
import type { Socket } from 'node:net';
import type { Respond } from './listener.ts';
import type { Client } from './respond.ts';
import { frame, MessageReader } from './wire/frames.ts';

/** Milliseconds that a client may say nothing, and that one message may take to arrive. */
const IDLE_MS = 10_000;
/** Connections in all, and of one address. At the first limit the longest idle one goes. */
const MOST_CONNECTIONS = 1000;
const MOST_OF_ONE_ADDRESS = 200;
/** Questions of a connection that wait for upstreams, and bytes it has not taken yet, before it is read no further. */
const MOST_WAITING = 100;
const MOST_UNSENT = 256 * 1024;

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
    if (count >= MOST_OF_ONE_ADDRESS) {
      socket.destroy();
      return;
    }
    if (this.#connections.size >= MOST_CONNECTIONS) [...this.#connections].find(({ idle }) => idle)?.end();
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

  close(): void {
    for (const connection of this.#connections) connection.end();
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #respond: Respond;
  readonly #client: Client;
  readonly #reader = new MessageReader();
  #waiting = 0;
  #ended = false;
  #partialTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, respond: Respond, spoke: () => void) {
    this.#socket = socket;
    this.#respond = respond;
    this.#client = { transport: 'tcp', address: socket.remoteAddress ?? '' };
    socket.setTimeout(IDLE_MS, () => {
      if (this.#waiting === 0) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => clearTimeout(this.#partialTimer));
    socket.on('end', () => this.#endWhenDone());
    socket.on('drain', () => this.#readOn());
    socket.on('data', (data: Buffer) => {
      spoke();
      this.#take(data);
    });
  }

  /** Whether it may be closed without taking anything from its client. */
  get idle(): boolean {
    return this.#waiting === 0 && !this.#reader.partial;
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    const packets = this.#reader.take(data);
    for (const packet of packets) {
      const reply = this.#respond(packet, this.#client);
      if (!reply) {
        // What is no query has lost its place in the stream.
        this.end();
        return;
      }
      if (Buffer.isBuffer(reply)) {
        this.#write(reply);
        continue;
      }
      this.#waiting += 1;
      void reply.then((later) => {
        this.#waiting -= 1;
        this.#write(later);
        this.#readOn();
      });
    }
    if (this.#waiting >= MOST_WAITING || this.#socket.writableLength > MOST_UNSENT) this.#socket.pause();
    this.#limitPartial(packets.length > 0);
  }

  /** Whoever sends a byte now and then is not idle; so each message has its own time to arrive. */
  #limitPartial(begun: boolean): void {
    if (begun || !this.#reader.partial) {
      clearTimeout(this.#partialTimer);
      this.#partialTimer = undefined;
    }
    if (this.#reader.partial) this.#partialTimer ??= setTimeout(() => this.end(), IDLE_MS);
  }

  #write(reply: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(frame(reply));
  }

  #readOn(): void {
    if (this.#ended) this.#endWhenDone();
    else if (this.#waiting < MOST_WAITING && this.#socket.writableLength <= MOST_UNSENT) this.#socket.resume();
  }

  #endWhenDone(): void {
    this.#ended = true;
    if (this.#waiting === 0) this.#socket.end();
  }
}
