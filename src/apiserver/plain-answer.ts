// Writes answers of HTTP/1.1 to a connection that Node's server of HTTP/1.1 does not have.
import { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { http } from '../system/http.ts';
import { chunkOf, lastChunk } from './chunk.ts';
import { isPlainValue } from './header-text.ts';

let [second, dateLine] = [0, ''];

/** As RFC 9110, section 5.6.7, has it. */
function dateLineAt(now: number): string {
  const current = Math.floor(now / 1000);
  if (current !== second) [second, dateLine] = [current, `Date: ${new Date(now).toUTCString()}\r\n`];
  return dateLine;
}

/** Lines of headers that have few values, by name and value: to look one up takes a third of the time of writing it. */
const kept = new Map<string, Map<string, string>>(
  ['cache-control', 'content-type', 'x-kubernetes-pf-flowschema-uid', 'x-kubernetes-pf-prioritylevel-uid'].map(
    (name) => [name, new Map()],
  ),
);
const mostKept = 256;
/** Characters. */
const longestKept = 128;

/** Undefined where the value is not plain. */
function plainLine(name: string, value: string): string | undefined {
  const lines = kept.get(name);
  const known = lines?.get(value);
  if (known !== undefined) return known;
  if (!isPlainValue(value)) return undefined;
  const line = `${name}: ${value}\r\n`;
  if (lines && lines.size < mostKept && value.length <= longestKept) lines.set(value, line);
  return line;
}

/** The head of an answer as it goes out, where each character is a byte. */
export class AnswerHead {
  /** Nothing follows the answer on the connection. */
  readonly isLast: boolean;
  /** False: the answer ends with its head (RFC 9112, section 6.3). */
  readonly hasBody: boolean;
  /** Of the body, in bytes, where it is told. */
  #length: number | undefined;
  #text: string;
  #isPlain = true;

  /**
   * Fields: names in lower case, and values, in turn. `now` in milliseconds since the Unix epoch. Throws for what would not be the value
   * of one header.
   */
  constructor(status: number, fields: readonly string[], now: number) {
    this.#text = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'unknown'}\r\n`;
    let [isLast, hasDate] = [false, false];
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (name === 'connection') {
        isLast = true;
        continue;
      }
      if (name === 'content-length') this.#length = Number(fields[i + 1]);
      hasDate ||= name === 'date';
      this.#add(name, fields[i + 1]!);
    }
    this.isLast = isLast;
    this.hasBody = status !== 204 && status !== 304;
    // An answer that is passed on has one.
    if (!hasDate) this.#text += dateLineAt(now);
  }

  #add(name: string, value: string): void {
    let line = plainLine(name, value);
    if (line === undefined) {
      http.validateHeaderValue(name, value);
      this.#isPlain = false;
      line = `${name}: ${value}\r\n`;
    }
    this.#text += line;
  }

  /** Whether the body has to be in chunks: nothing tells where it ends. */
  get isChunked(): boolean {
    return this.hasBody && this.#length === undefined;
  }

  /** How the two go out where they are one text: what is as many bytes as characters needs no look at each of them. */
  encodingWith(body: string | Uint8Array): 'latin1' | 'utf8' {
    return body.length === this.#length ? 'latin1' : 'utf8';
  }

  /** With what of the body follows at once. `idleMs`: how long the connection stays open behind the answer. */
  with(
    body: string | Uint8Array,
    { isChunked, idleMs }: { readonly isChunked: boolean; readonly idleMs: number },
  ): string | Uint8Array {
    const framing = isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
    const keeping = this.isLast ? 'close' : `keep-alive\r\nKeep-Alive: timeout=${idleMs / 1000}`;
    const text = `${this.#text}${framing}Connection: ${keeping}\r\n\r\n`;
    if (this.#isPlain && typeof body === 'string') return text + body;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    return Buffer.concat([Buffer.from(text, 'latin1'), bytes]);
  }
}

/** A body in pieces, behind its head. */
export class StreamedAnswer extends Writable {
  /** False: what is written goes out as it is. */
  chunkedEncoding: boolean;
  readonly #hasBody: boolean;
  readonly #socket: TLSSocket;
  readonly #onClose = (): void => void this.destroy();

  constructor(socket: TLSSocket, { isChunked, hasBody }: Pick<AnswerHead, 'isChunked' | 'hasBody'>) {
    super({ decodeStrings: false });
    this.chunkedEncoding = isChunked;
    this.#hasBody = hasBody;
    this.#socket = socket;
    // Its close may have been told.
    if (socket.destroyed) this.destroy();
    else socket.once('close', this.#onClose);
  }

  override _write(piece: string | Uint8Array, _: string, done: () => void): void {
    // An empty chunk would be the last.
    const isNothing = piece.length === 0 || !this.#hasBody;
    if (isNothing || this.#socket.write(this.chunkedEncoding ? chunkOf(piece) : piece)) done();
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
