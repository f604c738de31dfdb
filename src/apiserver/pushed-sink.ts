// Where a watch over the network writes to. What the connection does not take waits here and not in Node's stream: a stream makes
// an error for every piece that waits when its client goes away, and a thousand watchers that stopped reading have millions.
import { drained } from '../client/drained.ts';
import { chunkOf, lastChunk } from './chunk.ts';
import type { OutgoingStream } from './network-response.ts';
import type { ByteSink } from './request.ts';

/** Bytes handed over at once of what has waited. */
const portion = 256 * 1024;

export class PushedSink implements ByteSink {
  readonly #outgoing: OutgoingStream;
  readonly #isChunked: boolean;
  #waiting: (string | Uint8Array)[] = [];
  #waitingBytes = 0;

  constructor(outgoing: OutgoingStream) {
    this.#outgoing = outgoing;
    this.#isChunked = chunkedByUs(outgoing);
  }

  write(frame: string | Uint8Array): boolean {
    // Nothing is no chunk: one of length 0 would end the body.
    const piece = this.#isChunked && frame.length > 0 ? chunkOf(frame) : frame;
    if (this.#waiting.length === 0) {
      if (!this.#outgoing.writableNeedDrain) return this.#outgoing.write(piece);
      this.#outgoing.once('drain', () => this.#resume());
    }
    this.#waiting.push(piece);
    this.#waitingBytes += piece.length;
    return false;
  }

  get buffered(): number {
    return this.#outgoing.writableLength + this.#waitingBytes;
  }

  /** Resolves, too, when the client goes away. */
  async drained(): Promise<void> {
    while (this.#outgoing.writableNeedDrain && !this.#outgoing.destroyed) await drained(this.#outgoing);
  }

  end(): void {
    // The client is gone: nobody gets what waits.
    if (this.#outgoing.destroyed) return;
    this.#handOver(Number.POSITIVE_INFINITY);
    if (this.#isChunked) this.#outgoing.end(lastChunk);
    else this.#outgoing.end();
  }

  #resume(): void {
    this.#handOver(portion);
    if (this.#waiting.length > 0) this.#outgoing.once('drain', () => this.#resume());
  }

  /** In one piece, of so many bytes or a little more: the connection then waits for it. */
  #handOver(most: number): void {
    let [count, bytes] = [0, 0];
    while (count < this.#waiting.length && bytes < most) bytes += this.#waiting[count++]!.length;
    if (count === 0) return;
    const pieces = this.#waiting.splice(0, count);
    this.#waitingBytes -= bytes;
    this.#outgoing.write(
      Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece))),
    );
  }
}

/** Takes the chunks of an HTTP/1.1 body over from who would frame each for itself. False where there are none. */
function chunkedByUs(outgoing: OutgoingStream): boolean {
  if (!('chunkedEncoding' in outgoing) || !outgoing.chunkedEncoding) return false;
  outgoing.chunkedEncoding = false;
  return true;
}
