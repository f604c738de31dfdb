// One HTTP/2 connection to an API server: requests side by side, and a ping that notices when the far end is gone.
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import type { Clock, Timer } from '../system/clock.ts';
import { flatHeaders } from './http1-request.ts';
import type { RawRequest, RawResponse } from './types.ts';

/** As client-go: a connection silent for 30 s is pinged, and dropped when no answer comes within 15 s. */
const pingInterval = 30_000;
const pingTimeout = 15_000;
/** Bytes that may be under way in all streams; one slow reader of a watch must not stop the others. */
const connectionWindow = 16 << 20;

export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #authority: string;
  readonly #clock: Clock;
  #streams = 0;
  #leaving = false;
  #ping: Timer | undefined;

  constructor(session: ClientHttp2Session, authority: string, clock: Clock) {
    this.#session = session;
    this.#authority = authority;
    this.#clock = clock;
    // Each stream reports the loss of the connection to its own request.
    session.on('error', () => undefined);
    session.on('connect', () => session.setLocalWindowSize(connectionWindow));
    session.on('close', () => this.#ping?.cancel());
  }

  /** False once the connection is lost or the server said that it takes no more requests. */
  get usable(): boolean {
    return !this.#leaving && !this.#session.closed && !this.#session.destroyed;
  }

  close(): void {
    this.#ping?.cancel();
    this.#session.destroy();
  }

  /** Takes no more requests, and closes when those under way are over. */
  retire(): void {
    this.#leaving = true;
    if (this.#streams === 0) this.#session.close();
  }

  request(request: RawRequest): Promise<RawResponse> {
    const { method, path, headers, signal, body } = request;
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(
        { ...headers, ':method': method, ':path': path, ':authority': this.#authority },
        { endStream: body === undefined, ...(signal && { signal }) },
      );
      this.#opened(stream);
      stream.on('error', (error) => reject(this.#refused(stream) ? connectionLost() : error));
      stream.on('close', () => reject(connectionLost()));
      stream.on('response', (incoming) => {
        resolve({ status: Number(incoming[':status']), headers: flatHeaders(incoming), body: stream });
      });
      if (body !== undefined) stream.end(body);
    });
  }

  /** A server that goes away refuses the streams it has not begun; no more are opened on this connection. */
  #refused(stream: ClientHttp2Stream): boolean {
    const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    if (refused) this.#leaving = true;
    return refused;
  }

  /** A process may end while the connection is idle, so it is referenced only while a stream is open. */
  #opened(stream: ClientHttp2Stream): void {
    this.#streams += 1;
    if (this.#streams === 1) {
      this.#session.ref();
      this.#schedulePing();
    }
    stream.once('close', () => {
      this.#streams -= 1;
      if (this.#streams > 0) return;
      this.#ping?.cancel();
      if (this.#leaving) this.#session.close();
      else if (this.usable) this.#session.unref();
    });
  }

  #schedulePing(): void {
    this.#ping?.cancel();
    this.#ping = this.#clock.after(pingInterval, () => {
      if (!this.usable) return;
      this.#ping = this.#clock.after(pingTimeout, () => this.#session.destroy(connectionLost()));
      this.#session.ping((error) => {
        this.#ping?.cancel();
        if (!error && this.usable && this.#streams > 0) this.#schedulePing();
      });
    });
  }
}

function connectionLost(): Error {
  return Object.assign(new Error('the connection to the API server was lost'), { code: 'ECONNRESET' });
}
