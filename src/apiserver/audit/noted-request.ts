// A request that keeps what was read of its body, and the object that was made of it.
import type { ApiRequest, Upgrade, User } from '../request.ts';

export class NotedRequest implements ApiRequest {
  readonly #request: ApiRequest;
  readonly #isObjectWanted: boolean;
  /** What was read; undefined until then. */
  sent: Uint8Array | undefined;
  /** What was read, as the object it is; where it is not wanted whole, its metadata. */
  object: unknown;

  constructor(request: ApiRequest, { isObjectWanted }: { readonly isObjectWanted: boolean }) {
    this.#request = request;
    this.#isObjectWanted = isObjectWanted;
  }

  get method(): string {
    return this.#request.method;
  }
  get path(): string {
    return this.#request.path;
  }
  get query(): URLSearchParams {
    return this.#request.query;
  }
  get headers(): ApiRequest['headers'] {
    return this.#request.headers;
  }
  get signal(): AbortSignal {
    return this.#request.signal;
  }
  // Optional fields that may be absent are read through as they are.
  get search(): string {
    return this.#request.search as string;
  }
  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders as readonly string[];
  }
  get stream(): NonNullable<ApiRequest['stream']> {
    return this.#request.stream as NonNullable<ApiRequest['stream']>;
  }
  get remoteAddress(): string {
    return this.#request.remoteAddress as string;
  }
  get clientCertificate(): NonNullable<ApiRequest['clientCertificate']> {
    return this.#request.clientCertificate as NonNullable<ApiRequest['clientCertificate']>;
  }
  get trustedUser(): User {
    return this.#request.trustedUser as User;
  }
  get upgrade(): Upgrade {
    return this.#request.upgrade as Upgrade;
  }

  async body(): Promise<Uint8Array> {
    this.sent ??= await this.#request.body();
    return this.sent;
  }

  decoded(object: { readonly metadata?: unknown }): void {
    // It is changed on its way into the store.
    this.object = structuredClone(this.#isObjectWanted ? object : { metadata: object.metadata });
  }
}
