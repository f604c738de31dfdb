// What requests have in common that come over the network, whoever read them: Node's servers, or plain-connection.ts.
import type { Readable } from 'node:stream';
import type { Later } from '../apimachinery/later.ts';
import type { ClientCertificate } from './client-certificate.ts';
import type { ApiRequest } from './request.ts';

export const noBytes = new Uint8Array(0);

/** Lets a body run out, also where an iterator still waits for some of it: that holds the stream back. */
export function dropUnread(body: Readable): void {
  body.removeAllListeners('readable');
  // An iterator that ends later would stop a stream that nobody listens to.
  body.on('data', () => {});
  body.resume();
}

/** What both versions say in the head of a request. */
export interface RequestHead {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  readonly headers: ApiRequest['headers'];
  readonly clientCertificate: ClientCertificate | undefined;
}

export abstract class NetworkRequest implements ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: ApiRequest['headers'];
  readonly clientCertificate?: ClientCertificate;
  #query: URLSearchParams | undefined;
  #abort: AbortController | undefined;

  constructor({ method, url, headers, clientCertificate }: RequestHead) {
    const mark = url.indexOf('?');
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.search = mark < 0 ? '' : url.slice(mark + 1);
    this.method = method;
    this.headers = headers;
    if (clientCertificate) this.clientCertificate = clientCertificate;
  }

  abstract readonly rawHeaders: readonly string[] | undefined;
  abstract readonly remoteAddress: string | undefined;
  abstract readonly stream: AsyncIterable<Uint8Array> | undefined;
  abstract body(): Later<Uint8Array>;
  /** Lets go of what nobody read of the body, once the answer is made. */
  abstract dropRest(): void;
  /** Whether the client had gone before anybody listened. */
  protected abstract isOver(): boolean;
  /** Calls back when the answer is sent, or the client goes away or says that nothing more will come of it. */
  protected abstract onGone(gone: () => void): void;

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.search);
    return this.#query;
  }

  /** Made when first asked for: most requests are over before anyone cares. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.isOver()) abort.abort();
      this.onGone(() => abort.abort());
    }
    return this.#abort.signal;
  }
}
