import type { HttpTransport } from '../../client/http-transport.ts';
import type { RawRequest, RawResponse, Transport } from '../../client/types.ts';

/** A transport that can be replaced while it is in use, for a client certificate that is renewed. */
export class RenewableTransport implements Transport {
  #current: HttpTransport;

  constructor(first: HttpTransport) {
    this.#current = first;
  }

  request(request: RawRequest): Promise<RawResponse> {
    return this.#current.request(request);
  }

  /** Requests from now on use `next`. Those under way, watches above all, end with the old connection and are made again. */
  replace(next: HttpTransport): void {
    const old = this.#current;
    this.#current = next;
    old.close();
  }

  close(): void {
    this.#current.close();
  }
}
