// A request as Node's HTTP servers hand it over.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { ClientCertificate } from './client-certificate.ts';
import { type ApiRequest, bodyTooLarge, maxBodyBytes, type Upgrade } from './request.ts';

const noBytes = new Uint8Array(0);

function wentAway(): Error {
  return new Error('the client went away before its request was whole');
}

export class NodeRequest implements ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly clientCertificate?: ClientCertificate;
  readonly upgrade?: Upgrade;
  readonly #incoming: IncomingMessage | Http2ServerRequest;
  readonly #outgoing: ServerResponse | Http2ServerResponse | undefined;
  readonly search: string;
  #query: URLSearchParams | undefined;
  #abort: AbortController | undefined;

  constructor(
    incoming: IncomingMessage | Http2ServerRequest,
    carrier: {
      readonly outgoing?: ServerResponse | Http2ServerResponse;
      readonly certificate?: ClientCertificate | undefined;
      readonly upgrade?: Upgrade;
    },
  ) {
    this.#incoming = incoming;
    this.#outgoing = carrier.outgoing;
    const url = incoming.url ?? '/';
    const mark = url.indexOf('?');
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.search = mark < 0 ? '' : url.slice(mark + 1);
    this.method = incoming.method ?? 'GET';
    this.headers = incoming.headers as Record<string, string | undefined>;
    if (carrier.certificate) this.clientCertificate = carrier.certificate;
    if (carrier.upgrade) this.upgrade = carrier.upgrade;
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.search);
    return this.#query;
  }

  get remoteAddress(): string | undefined {
    return this.#incoming.socket?.remoteAddress;
  }

  get rawHeaders(): readonly string[] {
    return this.#incoming.rawHeaders;
  }

  get stream(): AsyncIterable<Uint8Array> {
    return this.#incoming;
  }

  /** Made when first asked for: most requests are over before anyone cares. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      this.#abort = abort;
      const closing = this.#outgoing ?? this.upgrade?.socket;
      if (this.#isOver(closing)) abort.abort();
      closing?.once('close', () => abort.abort());
    }
    return this.#abort.signal;
  }

  /** Whether the client had gone before anybody listened. */
  #isOver(closing: { readonly destroyed?: boolean } | undefined): boolean {
    const incoming = this.#incoming;
    if ('stream' in incoming) return incoming.stream.closed || incoming.stream.destroyed;
    return incoming.destroyed && closing?.destroyed === true;
  }

  /** By the stream's events: its iterator costs several times as much. */
  #read(): Promise<Uint8Array> {
    const incoming = this.#incoming as IncomingMessage;
    return new Promise((resolve, reject) => {
      // Its end was told before anybody listened.
      if (incoming.destroyed) reject(wentAway());
      const chunks: Uint8Array[] = [];
      let size = 0;
      incoming.on('data', (chunk: Uint8Array) => {
        size += chunk.length;
        if (size <= maxBodyBytes) chunks.push(chunk);
        // The rest is read and dropped, so that the refusal reaches a client that is still sending.
        else if (size - chunk.length <= maxBodyBytes) {
          chunks.length = 0;
          reject(bodyTooLarge());
        }
      });
      incoming.on('end', () => {
        // A stream of HTTP/2 that is reset ends, too.
        if (incoming.aborted) reject(wentAway());
        else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      });
      incoming.on('error', reject);
      incoming.on('close', () => {
        if (!incoming.complete) reject(wentAway());
      });
    });
  }

  body(): Promise<Uint8Array> {
    const length = this.headers['content-length'];
    if (length === '0' || (length === undefined && this.method === 'GET')) return Promise.resolve(noBytes);
    if (length !== undefined && Number(length) > maxBodyBytes) return Promise.reject(bodyTooLarge());
    const { complete, aborted, readableLength } = this.#incoming;
    // Small bodies come with their head: they are there, past 16 KiB in several pieces. Without a length Node.js 26 reads the first
    // of them alone.
    if (complete && !aborted && readableLength > 0) {
      return Promise.resolve(this.#incoming.read(readableLength) as Uint8Array);
    }
    return this.#read();
  }
}
