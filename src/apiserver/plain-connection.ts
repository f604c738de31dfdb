// A connection of HTTP/1.1 as long as its requests are plain, as nearly all are. Node's server of HTTP/1.1, which makes two streams of
// each request (a tenth of a write's time), is handed the connection, for good, with the first that is not.
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../system/clock.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { IdleTimer } from './idle-timer.ts';
import { AnswerHead, StreamedAnswer } from './plain-answer.ts';
import { PlainHeads } from './plain-head.ts';
import { PlainRequest } from './plain-request.ts';

interface Uses {
  readonly clock: Clock;
  /** Milliseconds that the first request may be in coming, and that a client may not be listened to. */
  readonly headMs: number;
  /** And that nothing need be asked. */
  readonly idleMs: number;
  readonly certificate: () => ClientCertificate | undefined;
  /** Answers the request, or ends the connection. */
  readonly serve: (request: PlainRequest, connection: PlainConnection) => void;
  /** Of what came nobody has read these bytes; `isAll`: nothing comes behind them. */
  readonly handOver: (bytes: Buffer, isAll: boolean) => void;
}

/** More than a client sends that waits for its answers, in bytes: the rest is left where it is, and with it the client's end. */
const mostWaiting = 256 * 1024;
/** The same of a request whose body comes behind its head: a longer one is for who reads it in pieces. */
const longestParted = 64 * 1024;

const ownPush = Readable.prototype.push;

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
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Set while nothing is read. */
  #deaf: Timer | undefined;

  constructor(socket: TLSSocket, uses: Uses) {
    this.#socket = socket;
    this.#uses = uses;
    const { clock, headMs, idleMs } = uses;
    this.#idle = new IdleTimer({ clock, firstMs: headMs, idleMs, onIdle: () => socket.destroySoon() });
    socket.on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
    const early = socket.read() as Buffer | null;
    // What a socket reads it pushes to its readers. Taken here, it spares the stream's own ways: six hundredths of a GET's time.
    socket.push = this.#pushed;
    socket.resume();
    if (early) this.#onData(early);
  }

  /** False: nothing more is to be read. */
  readonly #pushed = (bytes: Buffer | null): boolean => {
    if (bytes === null) return ownPush.call(this.#socket, null);
    this.#onData(bytes);
    return this.#deaf === undefined;
  };

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
    if (this.#socket.write(bytes, head.encodingWith(body))) this.#sent();
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

  #onData(bytes: Buffer): void {
    const isFirst = this.#waitingBytes === 0;
    if (!this.#asked && isFirst) {
      this.#take(bytes, true);
      return;
    }
    this.#wait(bytes);
    if (!this.#asked) {
      this.#take(this.#takeWaiting(), false);
      return;
    }
    if (this.#waitingBytes <= mostWaiting) return;
    this.#deaf ??= this.#uses.clock.after(this.#uses.headMs, () => this.#socket.destroy());
  }

  /** `mayGrow`: some clients send the body by itself, behind the head. Pieces without number are for a parser that keeps its place. */
  #take(bytes: Buffer, mayGrow: boolean): void {
    const head = this.#heads.read(bytes);
    if (head === undefined || head.end > bytes.length) {
      if (head === undefined || head.end > longestParted || !mayGrow) {
        this.#handOver(bytes);
        return;
      }
      this.#wait(bytes);
      this.#idle.use();
      return;
    }
    if (head.end < bytes.length) this.#wait(bytes.subarray(head.end));
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
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #takeWaiting(): Buffer {
    const all = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return all;
  }

  #listen(): void {
    this.#deaf?.cancel();
    this.#deaf = undefined;
    this.#socket._read(0);
  }

  readonly #onEnd = (): void => {
    if (this.#asked) this.#asked.leave();
    else this.#socket.end();
  };

  /** Who wants to negotiate TLS anew, for one, is not refused by TLS. */
  readonly #onError = (): void => void this.#socket.destroy();

  readonly #onClose = (): void => {
    this.#idle.cancel();
    this.#deaf?.cancel();
    this.#asked?.leave();
  };

  readonly #sent = (): void => {
    const socket = this.#socket;
    this.#idle.end();
    this.#asked?.leave();
    this.#asked = undefined;
    if (this.#head?.isLast) socket.destroySoon();
    else if (this.#waitingBytes > 0) this.#take(this.#takeWaiting(), !socket.readableEnded);
    else if (socket.readableEnded) socket.destroySoon();
    if (this.#deaf && this.#waitingBytes <= mostWaiting) this.#listen();
  };

  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    socket.off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    socket.push = ownPush;
    this.#idle.cancel();
    if (this.#deaf) this.#listen();
    this.#uses.handOver(bytes, socket.readableEnded);
  }
}
