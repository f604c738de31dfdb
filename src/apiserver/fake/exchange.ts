// One request to an API server without a socket, byte by byte; and watches, whose frames are read one by one.
import type { ApiServer } from '../api-server.ts';
import { type ApiRequest, type ByteSink, isPushed } from '../request.ts';

export interface GivenRequest {
  /** Default: GET. */
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON. */
  json<T = Record<string, unknown>>(): T;
}

function requestOf({ method = 'GET', url, headers = {}, body = '', signal }: GivenRequest): ApiRequest {
  const [path = '', query = ''] = url.split('?', 2);
  const bytes = Buffer.from(body as string);
  return {
    method,
    path,
    query: new URLSearchParams(query),
    headers: { 'content-length': String(bytes.length), ...headers },
    body: async () => bytes,
    signal: signal ?? new AbortController().signal,
  };
}

export async function exchange(server: ApiServer, given: GivenRequest): Promise<RawAnswer> {
  const { status, headers, body } = await server.handle(requestOf(given));
  const chunks: Buffer[] = [];
  if (typeof body === 'string' || body instanceof Uint8Array) chunks.push(Buffer.from(body as string));
  else if (Symbol.asyncIterator in body) for await (const chunk of body) chunks.push(Buffer.from(chunk as string));
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  return { status, headers, bytes, text, json: <T>() => JSON.parse(text) as T };
}

export interface TestWatch {
  readonly headers: RawAnswer['headers'];
  /** The next chunk that was written. */
  next(): Promise<Buffer>;
  /** The next chunk as JSON. */
  event<T = { type: string; object: Record<string, unknown> }>(): Promise<T>;
  /** Ends the watch as its client would, and waits until it has ended. */
  end(): Promise<void>;
  /** Resolves when the server ends it. */
  readonly done: Promise<void>;
}

export async function openWatch(server: ApiServer, given: GivenRequest): Promise<TestWatch> {
  const gone = new AbortController();
  const response = await server.handle(requestOf({ ...given, signal: gone.signal }));
  if (!isPushed(response.body)) throw new Error(`no watch: ${response.status} ${String(response.body)}`);
  const chunks: Buffer[] = [];
  let arrived = Promise.withResolvers<void>();
  const sink: ByteSink = {
    buffered: 0,
    drained: async () => {},
    write(chunk) {
      chunks.push(Buffer.from(chunk as string));
      arrived.resolve();
      return true;
    },
  };
  const done = response.body.pushTo(sink);
  const next = async () => {
    while (chunks.length === 0) {
      await arrived.promise;
      arrived = Promise.withResolvers();
    }
    return chunks.shift()!;
  };
  return {
    headers: response.headers,
    next,
    event: async <T>() => JSON.parse((await next()).toString()) as T,
    async end() {
      gone.abort();
      await done;
    },
    done,
  };
}
