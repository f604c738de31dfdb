// A request over HTTP/2: what Go's clients speak, and so nearly all of Kubernetes. It is read from its stream as it comes:
// Node's requests in the manner of HTTP/1.1 cost as much again as all that is done here.
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Later } from '../apimachinery/later.ts';
import type { Clock } from '../system/clock.ts';
import { readWhole } from './body-reader.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { dropUnread, NetworkRequest, noBytes } from './network-request.ts';
import { bodyTooLarge, maxBodyBytes } from './request.ts';

interface Arrived {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly clientCertificate: ClientCertificate | undefined;
  readonly clock: Clock;
}

export class Http2Request extends NetworkRequest {
  readonly rawHeaders: readonly string[];
  readonly #stream: ServerHttp2Stream;
  readonly #clock: Clock;

  constructor({ stream, headers, rawHeaders, clientCertificate, clock }: Arrived) {
    super({
      method: headers[':method'] ?? 'GET',
      url: headers[':path'] ?? '/',
      headers: headers as Record<string, string | undefined>,
      clientCertificate,
    });
    this.rawHeaders = rawHeaders;
    this.#stream = stream;
    this.#clock = clock;
    // A body comes once it is asked for: with its head, mostly, and so before anyone wants to read it.
    if (!stream.endAfterHeaders) stream.read(0);
  }

  get remoteAddress(): string | undefined {
    return this.#stream.session?.socket?.remoteAddress;
  }

  get stream(): AsyncIterable<Uint8Array> | undefined {
    if (this.#stream.endAfterHeaders) return undefined;
    // The answer goes the same way.
    return this.#stream.iterator({ destroyOnReturn: false });
  }

  protected isOver(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  protected onGone(gone: () => void): void {
    this.#stream.once('close', gone);
  }

  body(): Later<Uint8Array> {
    const stream = this.#stream;
    if (stream.endAfterHeaders) return noBytes;
    if (Number(this.headers['content-length']) > maxBodyBytes) return Promise.reject(bodyTooLarge());
    const { readableLength } = stream;
    if (readableLength > 0 && readableLength <= maxBodyBytes && hasArrived(stream)) {
      return stream.read(readableLength) as Uint8Array;
    }
    return readWhole(stream, { isWhole: () => !stream.aborted, clock: this.#clock });
  }

  dropRest(): void {
    endStream(this.#stream);
  }
}

/** All of the request: the client has ended it. */
function hasArrived({ state }: ServerHttp2Stream): boolean {
  const { NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE: ended, NGHTTP2_STREAM_STATE_CLOSED: closed } = constants;
  return state.state === ended || state.state === closed;
}

/**
 * The answer is made. A client that is still sending is told that nobody needs more (RFC 9113, section 8.1), as by Go's servers: until
 * its end came the stream would stay.
 */
export function endStream(stream: ServerHttp2Stream): void {
  if (stream.endAfterHeaders || stream.readableEnded || stream.destroyed) return;
  // Where nothing is left Node.js sees to the stream's end, and with less work.
  if (stream.readableLength === 0 && hasArrived(stream)) return;
  dropUnread(stream);
  // Once the answer is on its way: what Node.js is receiving just now would hold it back, and this go first.
  setImmediate(() => stream.close());
}
