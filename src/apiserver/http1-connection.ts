// One connection of HTTP/1.1: its requests are served one after the other, as by Go's servers, though they may come together;
// and what cannot be read on it is refused in its turn. Left to itself, Node.js serves all at once (a GET may then not see the write
// before it) and puts the refusal in the place of the answers that are being made.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../system/clock.ts';
import type { ClientCertificate } from './client-certificate.ts';

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** By the code of Node's error; what else its parser tells of is 400. */
const refusals = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', '413 Payload Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);
/** As many as HTTP/2 may have streams at a time: who sends more before it has an answer wants none. */
const mostExchanges = 1000;
/** As long as Go's servers wait, in ms: closing on what was not read resets the connection, and the client may lose its answer. */
const lingerMs = 500;

export class Http1Connection {
  /** Read with the first request. */
  certificate: { readonly certificate: ClientCertificate | undefined } | undefined;
  readonly #socket: TLSSocket;
  readonly #clock: Clock;
  /** Not answered yet, in order; sometimes the last that was, too. */
  #exchanges: readonly Exchange[] = [];
  #isRefused = false;

  constructor(socket: TLSSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  /** False: no answer goes out any more. */
  get isOpen(): boolean {
    return this.#socket.writable;
  }

  /** Whether nothing that was asked waits for its answer. */
  get isAnswered(): boolean {
    return this.#exchanges.every(({ outgoing }) => outgoing.closed);
  }

  /** A request has come. Resolves when all before it are answered, or the connection has ended; undefined: they are. */
  begin(exchange: Exchange): Promise<void> | undefined {
    // Most clients wait for each answer.
    if (this.isAnswered) {
      this.#exchanges = [exchange];
      return undefined;
    }
    const open = this.#exchanges.filter(({ outgoing }) => !outgoing.closed);
    this.#exchanges = [...open, exchange];
    if (open.length === mostExchanges) this.cut();
    return closed(open.at(-1));
  }

  /** Ends it at once, and all that is under way, which would not hear of it where Node.js has let go of the connection (CONNECT). */
  cut(): void {
    for (const { outgoing } of this.#exchanges) outgoing.destroy();
    this.#socket.destroy();
  }

  /** Ends the connection for an error of Node's parser, or of the connection itself. */
  async fail(error: NodeJS.ErrnoException): Promise<void> {
    const { code = '' } = error;
    // Bytes behind a request that said it is the last.
    if (code === 'HPE_CLOSED_CONNECTION') return;
    const refusal = refusals.get(code) ?? (code.startsWith('HPE_') ? '400 Bad Request' : undefined);
    if (refusal === undefined) this.#socket.destroy();
    if (refusal === undefined || this.#isRefused) return;
    this.#isRefused = true;
    const last = this.#exchanges.at(-1);
    const broken = last?.incoming.complete === false ? last : undefined;
    await closed(broken ? this.#exchanges.at(-2) : last);
    if (!this.#socket.writable) return;
    if (!broken?.outgoing.headersSent) this.#socket.write(`HTTP/1.1 ${refusal}\r\nConnection: close\r\n\r\n`);
    if (broken) this.#socket.destroySoon();
    else this.#linger();
  }

  #linger(): void {
    const socket = this.#socket;
    socket.end();
    const late = this.#clock.after(lingerMs, () => socket.destroy());
    socket.once('close', () => late.cancel());
  }
}

function closed(exchange: Exchange | undefined): Promise<void> | undefined {
  if (!exchange || exchange.outgoing.closed) return undefined;
  return new Promise((resolve) => exchange.outgoing.once('close', () => resolve()));
}
