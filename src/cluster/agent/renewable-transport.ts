import type { HttpTransport } from '../../client/http-transport.ts';
import type { RawRequest, RawResponse, Transport } from '../../client/types.ts';

type Closable = Transport & Pick<HttpTransport, 'close'>;

/** A connection, and how many answers are still being read from it. */
interface Used {
  readonly transport: Closable;
  open: number;
}

/** A transport that can be replaced while it is in use, for a client certificate that is renewed. */
export class RenewableTransport implements Transport {
  #current: Used;
  /** Replaced ones from which something is still read. */
  readonly #retired = new Set<Used>();

  constructor(first: Closable) {
    this.#current = { transport: first, open: 0 };
  }

  async request(request: RawRequest): Promise<RawResponse> {
    const used = this.#current;
    used.open += 1;
    try {
      const response = await used.transport.request(request);
      return { ...response, body: this.#until(used, response.body) };
    } catch (error) {
      this.#done(used);
      throw error;
    }
  }

  async *#until(used: Used, body: RawResponse['body']): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } finally {
      this.#done(used);
    }
  }

  #done(used: Used): void {
    used.open -= 1;
    if (used.open === 0 && this.#retired.delete(used)) used.transport.close();
  }

  /** Requests from now on use `next`. Those under way, watches above all, go on until they end by themselves. */
  replace(next: Closable): void {
    const old = this.#current;
    this.#current = { transport: next, open: 0 };
    if (old.open === 0) old.transport.close();
    else this.#retired.add(old);
  }

  close(): void {
    for (const { transport } of [this.#current, ...this.#retired]) transport.close();
    this.#retired.clear();
  }
}
