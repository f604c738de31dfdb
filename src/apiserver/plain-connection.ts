// A connection of HTTP/1.1 as long as its requests are plain, as nearly all are. It costs half of what Node's server of HTTP/1.1 does,
// which is handed the connection, for good, with the first that is not.
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../system/clock.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { IdleTimer } from './idle-timer.ts';
import { AnswerHead, StreamedAnswer } from './plain-answer.ts';
import { PlainHeads } from './plain-head.ts';
import { PlainRequest } from './plain-request.ts';

interface Uses {
  readonly clock: Clock;
  /** Milliseconds that the first request may be in coming, and that nothing need be asked. */
  readonly headMs: number;
  readonly idleMs: number;
  readonly certificate: () => ClientCertificate | undefined;
  /** Answers the request, or ends the connection. */
  readonly serve: (request: PlainRequest, connection: PlainConnection) => void;
  /** Of what came nobody has read these bytes; the socket is paused. */
  readonly handOver: (bytes: Buffer) => void;
}

/** More than a client sends that waits for its answers, in bytes: the rest is left where it is. */
const mostWaiting = 64 * 1024;
const nothing = Buffer.alloc(0);

export class PlainConnection {
  readonly #socket: TLSSocket;
  readonly #uses: Uses;
  readonly #heads = new PlainHeads();
  readonly #idle: IdleTimer;
  /** A head is never the whole answer. */
  readonly writableEnded = false;
  /** What is being answered. */
  #asked: PlainRequest | undefined;
  /** Of its answer; afterwards, of the last. */
  #head: AnswerHead | undefined;
  /** What came behind the request, or of one that is not whole. */
  #waiting: Buffer = nothing;

  constructor(socket: TLSSocket, uses: Uses) {
    this.#socket = socket;
    this.#uses = uses;
    const { clock, headMs, idleMs } = uses;
    this.#idle = new IdleTimer({ clock, firstMs: headMs, idleMs, onIdle: () => socket.destroySoon() });
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Begins the answer: names in lower case, and values, in turn. Throws for what would not be the value of one header. */
  writeHead(status: number, fields: readonly string[]): void {
    this.#head = new AnswerHead(status, fields, this.#uses.clock.now());
  }

  /** The rest of an answer whose head says how long it is. */
  end(body: string | Uint8Array): void {
    const head = this.#begun();
    const bytes = head.with(head.hasBody ? body : '', { isChunked: false, idleMs: this.#uses.idleMs });
    if (this.#socket.write(bytes)) this.#sent();
    // Who does not read its answers has no other made.
    else this.#socket.once('drain', this.#sent);
  }

  /** The rest of any other. */
  inPieces(): StreamedAnswer {
    const head = this.#begun();
    this.#socket.write(head.with('', { isChunked: head.isChunked, idleMs: this.#uses.idleMs }));
    const answer = new StreamedAnswer(this.#socket, head);
    answer.once('finish', this.#sent);
    return answer;
  }

  #begun(): AnswerHead {
    const head = this.#head;
    if (!head) throw new Error('an answer begins with its head');
    return head;
  }

  readonly #onData = (bytes: Buffer): void => {
    const isFirst = this.#waiting.length === 0;
    const all = isFirst ? bytes : Buffer.concat([this.#waiting, bytes]);
    if (!this.#asked) {
      this.#take(all, isFirst);
      return;
    }
    this.#waiting = all;
    if (all.length > mostWaiting) this.#socket.pause();
  };

  /** `mayGrow`: some clients send the body by itself, behind the head. Pieces without number are for a parser that keeps its place. */
  #take(bytes: Buffer, mayGrow: boolean): void {
    const head = this.#heads.read(bytes);
    if (head === undefined || head.end > bytes.length) {
      if (head !== undefined && mayGrow && head.end <= mostWaiting) this.#wait(bytes);
      else this.#handOver(bytes);
      return;
    }
    this.#waiting = head.end === bytes.length ? nothing : bytes.subarray(head.end);
    const asked = new PlainRequest(head, {
      body: bytes.subarray(head.bodyStart, head.end),
      clientCertificate: this.#uses.certificate(),
      socket: this.#socket,
    });
    this.#asked = asked;
    this.#idle.begin();
    this.#uses.serve(asked, this);
  }

  #wait(bytes: Buffer): void {
    this.#waiting = bytes;
    this.#idle.use();
  }

  readonly #onEnd = (): void => {
    if (this.#asked) this.#asked.leave();
    else this.#socket.end();
  };

  /** Who wants to negotiate TLS anew, for one, is not refused by TLS. */
  readonly #onError = (): void => void this.#socket.destroy();

  readonly #onClose = (): void => {
    this.#idle.cancel();
    this.#asked?.leave();
  };

  readonly #sent = (): void => {
    const socket = this.#socket;
    this.#idle.end();
    this.#asked?.leave();
    this.#asked = undefined;
    if (this.#head?.isLast) {
      socket.destroySoon();
    } else if (this.#waiting.length > 0) {
      socket.resume();
      this.#take(this.#waiting, !socket.readableEnded);
    } else if (socket.readableEnded) {
      socket.destroySoon();
    }
  };

  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    if (socket.readableEnded) {
      // Nothing is read again behind the end: a broken request, or one that would have been served.
      socket.destroySoon();
      return;
    }
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    socket.pause();
    this.#idle.cancel();
    this.#uses.handOver(bytes);
  }
}
