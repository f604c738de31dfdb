// One TCP or TLS connection to an upstream, with several questions on it at once (RFC 7766, RFC 7858).
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock, Timer } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { decodeMessage } from '../wire/decode.ts';
import { encodeMessage } from '../wire/encode.ts';
import { frame, MessageReader } from '../wire/frames.ts';
import type { Message } from '../wire/message.ts';
import { type ForwardQuestion, fitOf, queryMessage } from './query.ts';
import { type Upstream, upstreamText } from './upstream.ts';

/** A connection without questions is closed after this many milliseconds. */
const idleMs = 10_000;

interface Waiting {
  readonly query: Message;
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

export interface StreamConnectionOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** PEM certificates that sign TLS upstreams' certificates, in place of the machine's. */
  readonly ca?: string | undefined;
}

export class StreamConnection {
  readonly #upstream: Upstream;
  readonly #options: StreamConnectionOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #reader = new MessageReader();
  #socket: Socket | undefined;
  #idle: Timer | undefined;
  #failure: Error | undefined;

  constructor(upstream: Upstream, options: StreamConnectionOptions) {
    this.#upstream = upstream;
    this.#options = options;
  }

  get usable(): boolean {
    return this.#failure === undefined && this.#waiting.size < 0x4000;
  }

  /** Rejects when the connection fails or no reply comes in time. */
  ask(question: ForwardQuestion, timeout: number): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const query = queryMessage(this.#freeId(), question);
      const packet = frame(encodeMessage(query));
      const timer = this.#options.clock.after(timeout, () => {
        this.#waiting.delete(query.id);
        reject(new Error(`${upstreamText(this.#upstream)} did not answer`));
        // A connection that is dead without knowing it must not be used again.
        if (this.#waiting.size === 0) this.close();
      });
      this.#idle?.cancel();
      this.#waiting.set(query.id, { query, resolve, reject, timer });
      this.#socket ??= this.#open();
      this.#socket.write(packet);
    });
  }

  close(error = new Error(`the connection to ${upstreamText(this.#upstream)} was closed`)): void {
    this.#failure ??= error;
    this.#idle?.cancel();
    this.#socket?.destroy();
    for (const { reject, timer } of this.#waiting.values()) {
      timer.cancel();
      reject(error);
    }
    this.#waiting.clear();
  }

  #freeId(): number {
    for (;;) {
      const id = this.#options.random.int(0x10000);
      if (!this.#waiting.has(id)) return id;
    }
  }

  #open(): Socket {
    const { address: host, port, protocol, serverName } = this.#upstream;
    const { ca } = this.#options;
    // Without a name the certificate is checked against the address.
    const tls = {
      host,
      port,
      ...(serverName !== undefined && { servername: serverName }),
      ...(ca !== undefined && { ca }),
    };
    const socket = protocol === 'tls' ? connectTls(tls) : connect({ host, port });
    socket.setNoDelay(true);
    socket.on('error', (error) => this.close(error));
    socket.on('close', () => this.close());
    socket.on('data', (data: Buffer) => {
      for (const packet of this.#reader.take(data)) this.#received(packet);
    });
    return socket;
  }

  #received(packet: Buffer): void {
    let message: Message;
    try {
      message = decodeMessage(packet);
    } catch (error) {
      this.close(new Error(`${upstreamText(this.#upstream)} sent no DNS message`, { cause: error }));
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (!waiting || fitOf(message, waiting.query) === 'noise') return;
    this.#waiting.delete(message.id);
    waiting.timer.cancel();
    waiting.resolve(message);
    if (this.#waiting.size === 0) this.#idle = this.#options.clock.after(idleMs, () => this.close());
  }
}
