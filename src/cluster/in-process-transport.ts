// The way into the API server for parts of the same process: requests go straight to its handler, as a given user.

import type { ApiServer } from '../apiserver/api-server.ts';
import {
  type ApiRequest,
  type ByteSink,
  isHijack,
  isPushed,
  type PushedBody,
  type ResponseBody,
  type User,
} from '../apiserver/request.ts';
import type { RawRequest, RawResponse, Transport } from '../client/types.ts';

/** What is waiting for the reader before the server is told to hold on. */
const highWaterMark = 256 * 1024;

export class InProcessTransport implements Transport {
  readonly #server: Pick<ApiServer, 'handle'>;
  readonly #user: User;

  constructor(server: Pick<ApiServer, 'handle'>, user: User) {
    this.#server = server;
    this.#user = user;
  }

  async request({ method, path, headers = {}, body, signal }: RawRequest): Promise<RawResponse> {
    signal?.throwIfAborted();
    const mark = path.indexOf('?');
    const bytes = Buffer.from(body ?? '');
    const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    // The body of a watch ends when its reader stops, whoever holds the signal.
    const gone = new AbortController();
    const request: ApiRequest = {
      method,
      path: mark < 0 ? path : path.slice(0, mark),
      query: new URLSearchParams(mark < 0 ? '' : path.slice(mark + 1)),
      // Field managers are named by it.
      headers: {
        'user-agent': 'portico',
        ...lowerCase,
        ...(bytes.length > 0 && { 'content-length': String(bytes.length) }),
      },
      body: () => Promise.resolve(bytes),
      signal: signal ? AbortSignal.any([signal, gone.signal]) : gone.signal,
      trustedUser: this.#user,
    };
    const response = await this.#server.handle(request);
    const flat = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : value.join(', '),
      ]),
    );
    return { status: response.status, headers: flat, body: chunksOf(response.body, gone, signal) };
  }
}

async function* chunksOf(
  body: ResponseBody,
  gone: AbortController,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (isHijack(body)) throw new Error('this path needs a connection of its own');
  try {
    if (typeof body === 'string') yield Buffer.from(body);
    else if (body instanceof Uint8Array) yield body;
    else if (isPushed(body)) yield* pushed(body, signal);
    else for await (const chunk of body) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } finally {
    gone.abort();
  }
}

async function* pushed(body: PushedBody, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const queue = new ChunkQueue();
  const done = body.pushTo(queue).then(
    () => queue.end(),
    (error: unknown) => queue.end(error),
  );
  for (;;) {
    const chunk = await queue.next();
    if (chunk === undefined) break;
    yield chunk;
  }
  await done;
  signal?.throwIfAborted();
}

class ChunkQueue implements ByteSink {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #ended: { readonly error: unknown } | undefined;
  #arrived = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();

  get buffered(): number {
    return this.#size;
  }

  write(chunk: string | Uint8Array): boolean {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    this.#arrived.resolve();
    return this.#size < highWaterMark;
  }

  drained(): Promise<void> {
    return this.#size < highWaterMark ? Promise.resolve() : this.#taken.promise;
  }

  end(error?: unknown): void {
    this.#ended = { error };
    this.#arrived.resolve();
  }

  /** All that waits, as one; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#ended) {
        if (this.#ended.error !== undefined) throw this.#ended.error;
        return undefined;
      }
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#size = 0;
    this.#taken.resolve();
    this.#taken = Promise.withResolvers();
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }
}
