// Writes answers of HTTP/1.1 to a connection that Node's server of HTTP/1.1 does not have.
import { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { http } from '../system/http.ts';
import { chunkOf, lastChunk } from './chunk.ts';

const ascii = /^[\t -~]*$/;

let [second, date] = [0, ''];

/** As RFC 9110, section 5.6.7, has it. */
function dateAt(now: number): string {
  const current = Math.floor(now / 1000);
  if (current !== second) [second, date] = [current, new Date(now).toUTCString()];
  return date;
}

/** The head of an answer as it goes out, where each character is a byte. */
export class AnswerHead {
  #text: string;
  #isAscii = true;

  /** Fields: names and values in turn. Throws for what would not be the value of one header. */
  constructor(status: number, fields: readonly string[]) {
    this.#text = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'unknown'}\r\n`;
    for (let i = 0; i < fields.length; i += 2) this.add(fields[i]!, fields[i + 1]!);
  }

  add(name: string, value: string): void {
    if (!ascii.test(value)) {
      http.validateHeaderValue(name, value);
      this.#isAscii = false;
    }
    this.#text += `${name}: ${value}\r\n`;
  }

  /** `now` in milliseconds since the Unix epoch; `idleMs`: how long the connection stays open behind the answer, undefined: not at all. */
  finish({ now, idleMs }: { readonly now: number; readonly idleMs: number | undefined }): void {
    const keeping = idleMs === undefined ? 'close' : `keep-alive\r\nKeep-Alive: timeout=${idleMs / 1000}`;
    this.#text += `Date: ${dateAt(now)}\r\nConnection: ${keeping}\r\n\r\n`;
  }

  /** With what follows it at once. */
  with(body: string | Uint8Array): string | Uint8Array {
    if (this.#isAscii && typeof body === 'string') return this.#text + body;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    return Buffer.concat([Buffer.from(this.#text, 'latin1'), bytes]);
  }
}

/** A body whose length nobody knows yet. */
export class ChunkedAnswer extends Writable {
  /** False: what is written is chunks, the last of which comes with it. */
  chunkedEncoding = true;
  readonly #socket: TLSSocket;
  readonly #onClose = (): void => void this.destroy();

  constructor(socket: TLSSocket) {
    super({ decodeStrings: false });
    this.#socket = socket;
    socket.once('close', this.#onClose);
  }

  override _write(piece: string | Uint8Array, _: string, done: () => void): void {
    const bytes = this.chunkedEncoding && piece.length > 0 ? chunkOf(piece) : piece;
    if (this.#socket.write(bytes)) done();
    else this.#socket.once('drain', done);
  }

  override _final(done: () => void): void {
    if (this.chunkedEncoding) this.#socket.write(lastChunk);
    done();
  }

  override _destroy(_: Error | null, done: () => void): void {
    this.#socket.off('close', this.#onClose);
    // It is not whole, and the end of the connection tells.
    if (!this.writableFinished) this.#socket.destroy();
    done();
  }
}
