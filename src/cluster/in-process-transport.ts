// The way into the API server for parts of the same process: requests go straight to its handler, as a given user.

import type { KubeObject, WatchEvent } from '../apimachinery/object.ts';
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

/** What is waiting for the reader before the server is told to hold on, in bytes. */
const highWaterMark = 256 * 1024;
/** What an event counts for that waits as an object: little, for others hold the object too. */
const eventSize = 256;

/** Why the body of a watch ends whose reader stops: made once, for every one costs a stack trace. */
const readerGone = new Error('the reader is gone');

export class InProcessTransport implements Transport {
  readonly #server: Pick<ApiServer, 'handle'>;
  readonly #user: User;

  constructor(server: Pick<ApiServer, 'handle'>, user: User) {
    this.#server = server;
    this.#user = user;
  }

  async request(raw: RawRequest): Promise<RawResponse> {
    const { signal } = raw;
    signal?.throwIfAborted();
    const request = new InProcessRequest(raw, this.#user);
    const response = await this.#server.handle(request);
    const flat: Record<string, string> = {};
    for (const [name, value] of Object.entries(response.headers)) {
      flat[name] = typeof value === 'string' ? value : value.join(', ');
    }
    const answer = { status: response.status, headers: flat };
    const { body } = response;
    if (raw.takesEvents && response.status === 200 && isPushed(body)) {
      const events = new PushedReader(body, new EventQueue(), request);
      return { ...answer, body: nothing(), events };
    }
    return { ...answer, body: whileRead(chunksOf(body, request), request) };
  }
}

class InProcessRequest implements ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly trustedUser: User;
  readonly #bytes: Uint8Array;
  /** The caller's own signal. */
  readonly given: AbortSignal | undefined;
  #gone: AbortController | undefined;
  #signal: AbortSignal | undefined;

  constructor({ method, path, headers = {}, body = '', signal }: RawRequest, user: User) {
    const mark = path.indexOf('?');
    this.method = method;
    this.path = mark < 0 ? path : path.slice(0, mark);
    this.query = new URLSearchParams(mark < 0 ? '' : path.slice(mark + 1));
    this.trustedUser = user;
    this.#bytes = Buffer.from(body);
    this.given = signal;
    // Field managers are named by the agent.
    const fields: Record<string, string> = { 'user-agent': 'portico' };
    for (const name in headers) fields[name.toLowerCase()] = headers[name]!;
    if (this.#bytes.length > 0) fields['content-length'] = String(this.#bytes.length);
    this.headers = fields;
  }

  body(): Promise<Uint8Array> {
    return Promise.resolve(this.#bytes);
  }

  /** Aborts when the reader of the answer stops, whoever holds the signal that was given. Made when first asked for. */
  get signal(): AbortSignal {
    if (!this.#signal) {
      this.#gone = new AbortController();
      this.#signal = this.given ? AbortSignal.any([this.given, this.#gone.signal]) : this.#gone.signal;
    }
    return this.#signal;
  }

  end(): void {
    this.#gone?.abort(readerGone);
  }
}

async function* whileRead<T>(source: AsyncIterable<T>, request: InProcessRequest): AsyncGenerator<T> {
  try {
    yield* source;
  } finally {
    request.end();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* chunksOf(body: ResponseBody, request: InProcessRequest): AsyncGenerator<Uint8Array> {
  if (isHijack(body)) throw new Error('this path needs a connection of its own');
  if (typeof body === 'string') yield Buffer.from(body);
  else if (body instanceof Uint8Array) yield body;
  else if (isPushed(body)) yield* new PushedReader(body, new ChunkQueue(), request);
  else for await (const chunk of body) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/**
 * What a body pushes, to be read one by one. No generator: controllers read every change of the cluster through this, and a
 * generator makes several promises for each.
 */
class PushedReader<T> implements AsyncIterableIterator<T> {
  readonly #body: PushedBody;
  readonly #queue: Queue<T>;
  readonly #request: InProcessRequest;
  /** Resolves when the body has ended, whichever way. */
  #pushing: Promise<void> | undefined;
  #isOver = false;

  constructor(body: PushedBody, queue: Queue<T>, request: InProcessRequest) {
    this.#body = body;
    this.#queue = queue;
    this.#request = request;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    const queue = this.#queue;
    this.#pushing ??= this.#body.pushTo(queue).then(
      () => queue.end(),
      (error: unknown) => queue.end(error),
    );
    const item = queue.take();
    return item === undefined ? this.#later() : Promise.resolve({ done: false, value: item });
  }

  async #later(): Promise<IteratorResult<T>> {
    try {
      while (await this.#queue.arrived()) {
        const value = this.#queue.take();
        if (value !== undefined) return { done: false, value };
      }
      await this.#pushing;
      this.#request.given?.throwIfAborted();
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#end();
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<T>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  #end(): void {
    this.#isOver = true;
    this.#request.end();
  }
}

/** What was pushed and not read yet. */
abstract class Queue<T> implements ByteSink {
  #items: T[] = [];
  /** What was taken over from there, up to where it was read. */
  #reading: readonly T[] = [];
  #next = 0;
  #size = 0;
  #ended: { readonly error: unknown } | undefined;
  #arrived = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();

  abstract write(chunk: string | Uint8Array): boolean;

  get buffered(): number {
    return this.#size;
  }

  protected push(item: T, size: number): boolean {
    this.#items.push(item);
    this.#size += size;
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

  /** The oldest that waits; undefined: nothing does. */
  take(): T | undefined {
    if (this.#next === this.#reading.length) this.#turnOver();
    return this.#next < this.#reading.length ? this.#reading[this.#next++] : undefined;
  }

  /** What came while the reader was busy is its to read; room is made for more. */
  #turnOver(): void {
    this.#reading = this.#items;
    this.#next = 0;
    if (this.#items.length === 0) return;
    this.#items = [];
    this.#size = 0;
    this.#taken.resolve();
    this.#taken = Promise.withResolvers();
  }

  /** Waits until there is something to take. False: nothing will come any more. Rejects where the body broke off. */
  async arrived(): Promise<boolean> {
    while (this.#items.length === 0) {
      if (this.#ended) {
        if (this.#ended.error !== undefined) throw this.#ended.error;
        return false;
      }
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
    return true;
  }
}

class ChunkQueue extends Queue<Uint8Array> {
  write(chunk: string | Uint8Array): boolean {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    return this.push(bytes, bytes.length);
  }
}

class EventQueue extends Queue<WatchEvent<KubeObject>> {
  write(chunk: string | Uint8Array): boolean {
    return this.writeEvent(JSON.parse(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()));
  }

  writeEvent(event: WatchEvent<KubeObject>): boolean {
    return this.push(event, eventSize);
  }
}
