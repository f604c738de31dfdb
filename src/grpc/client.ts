// A gRPC client (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) over a unix socket, TCP or TLS: unary
// calls and server streams, no compression. node:http2 is loaded anyway; @grpc/grpc-js would add 60 ms to the start of an
// agent and 20 MB to its memory.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type SecureClientSessionOptions,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { type Message, Writer } from './codec.ts';

/** Codes of https://grpc.io/docs/guides/status-codes/. */
export const grpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** A call that the server refused (its code and words) or that did not reach it (`unavailable`). */
export class GrpcError extends Error {
  readonly code: number;
  /** The server certainly never began with the call: there was no connection, or it refused the stream. */
  readonly neverBegan: boolean;

  constructor(
    code: number,
    message: string,
    { cause, neverBegan = false }: { readonly cause?: unknown; readonly neverBegan?: boolean } = {},
  ) {
    super(message, { cause });
    this.name = 'GrpcError';
    this.code = code;
    this.neverBegan = neverBegan;
  }
}

export const isGrpcNotFound = (error: unknown): boolean =>
  error instanceof GrpcError && error.code === grpcCode.notFound;

/** An error of a call as Go's gRPC prints it. */
export function rpcText(error: unknown): string {
  if (!(error instanceof GrpcError)) return error instanceof Error ? error.message : String(error);
  const [found = 'unknown'] = Object.entries(grpcCode).find(([, code]) => code === error.code) ?? [];
  const name = found === 'cancelled' ? 'canceled' : found;
  return `rpc error: code = ${name.charAt(0).toUpperCase()}${name.slice(1)} desc = ${error.message}`;
}

/** A method with its messages: `/runtime.v1.RuntimeService/Version`. */
export interface Method<In, Out> {
  readonly path: string;
  readonly request: Pick<Message<In, unknown>, 'write'>;
  readonly response: Pick<Message<never, Out>, 'decode'>;
}

/** `path`: `runtime.v1.RuntimeService/Version`. */
export function method<In, Out>(
  path: string,
  request: Method<In, Out>['request'],
  response: Method<In, Out>['response'],
): Method<In, Out> {
  return { path: `/${path}`, request, response };
}

export interface CallOptions {
  /** Milliseconds until the call fails with `deadlineExceeded`; absent is no limit. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Cuts a stream of bytes into gRPC's length-prefixed messages. Chunks are put together once a message is whole. */
class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes that make up the next message with its prefix; the prefix alone until that is known. */
  #wanted = prefixLength;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Throws GrpcError for a message that is longer than is wanted. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: Buffer[] = [];
    while (this.#length >= this.#wanted) {
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      this.#chunks = [all];
      const length = all.readUInt32BE(1);
      if (length > this.#maxBytes) {
        const text = `received message larger than max (${length} vs. ${this.#maxBytes})`;
        throw new GrpcError(grpcCode.resourceExhausted, text);
      }
      this.#wanted = prefixLength + length;
      if (all.length < this.#wanted) break;
      frames.push(all.subarray(prefixLength, this.#wanted));
      const rest = all.subarray(this.#wanted);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#length = rest.length;
      this.#wanted = prefixLength;
    }
    return frames;
  }
}

/** A byte that says whether the message is compressed, and its length. */
const prefixLength = 5;

function framed<In>(request: Pick<Message<In, unknown>, 'write'>, value: In): Buffer {
  const writer = new Writer(prefixLength);
  request.write(writer, value);
  const frame = writer.finish();
  frame[0] = 0;
  frame.writeUInt32BE(frame.length - prefixLength, 1);
  return frame;
}

/** PEM texts. Without `ca` the system's authorities count. */
export interface GrpcTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The path of a unix socket; or a TCP port, in plain text without `tls`. */
export type GrpcTarget = string | { readonly host: string; readonly port: number; readonly tls?: GrpcTls };

const describe = (target: GrpcTarget): string =>
  typeof target === 'string' ? target : `${target.host}:${target.port}`;

export interface GrpcClientOptions {
  /** The longest message that is taken, in bytes. Default 16 MiB. */
  readonly maxReceiveBytes?: number;
  /** Milliseconds between looks whether the far end still answers (within half of it), while calls are under way. */
  readonly keepalive?: number;
}

/** Bytes that may be under way in one stream and in all: one slow reader must not stop the others. */
const streamWindow = 1 << 20;
const connectionWindow = 16 << 20;

/** What becomes of one call. */
interface CallEvents {
  onMessage(frame: Buffer): void;
  onEnd(error: GrpcError | undefined): void;
}

export class GrpcClient {
  readonly #target: GrpcTarget;
  readonly #options: GrpcClientOptions;
  #session: Session | undefined;

  constructor(target: GrpcTarget, options: GrpcClientOptions = {}) {
    this.#target = target;
    this.#options = options;
  }

  /** One request, one reply. Rejects with GrpcError. */
  unary<In, Out>(method: Method<In, Out>, request: In, options: CallOptions = {}): Promise<Out> {
    return new Promise((resolve, reject) => {
      let reply: { readonly value: Out } | undefined;
      const call = { path: method.path, body: framed(method.request, request), ...options };
      this.#call(call, {
        onMessage(frame) {
          reply = { value: method.response.decode(frame) };
        },
        onEnd(error) {
          if (error) reject(error);
          else if (!reply) reject(new GrpcError(grpcCode.unknown, 'the server sent no reply'));
          else resolve(reply.value);
        },
      });
    });
  }

  /** Hands each message to `onMessage` until the server ends the stream (resolves) or it fails (rejects). */
  stream<In, Out>(method: Method<In, Out>, request: In, { onMessage, ...options }: StreamOptions<Out>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#call(
        { path: method.path, body: framed(method.request, request), ...options },
        {
          onMessage: (frame) => onMessage(method.response.decode(frame)),
          onEnd: (error) => (error ? reject(error) : resolve()),
        },
      );
    });
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #call({ path, body, timeout, signal, headers, holdsOpen = false }: Call, events: CallEvents): void {
    let ended = false;
    let stream: ClientHttp2Stream | undefined;
    const end = (error: GrpcError | undefined) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (error || holdsOpen) stream?.close(constants.NGHTTP2_CANCEL);
      events.onEnd(error);
    };
    const onAbort = () => end(new GrpcError(grpcCode.cancelled, 'cancelled', { cause: signal?.reason }));
    let session: Session | undefined;
    const late = () => {
      const neverBegan = session?.wasConnected === false;
      // Otherwise the call would be sent when the connection comes about after all.
      if (neverBegan) session?.destroy();
      end(new GrpcError(grpcCode.deadlineExceeded, 'context deadline exceeded', { neverBegan }));
    };
    const timer = timeout === undefined ? undefined : setTimeout(late, timeout);
    if (signal?.aborted) {
      onAbort();
      return;
    }
    signal?.addEventListener('abort', onAbort);
    try {
      session = this.#connected();
      stream = session.open({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      this.#read(stream, session, { onMessage: events.onMessage, onEnd: end });
    } catch (error) {
      end(this.#unavailable(error as Error, true));
      return;
    }
    if (holdsOpen) stream.write(body);
    else stream.end(body);
  }

  #read(stream: ClientHttp2Stream, session: Session, { onMessage, onEnd }: CallEvents): void {
    const reader = new FrameReader(this.#options.maxReceiveBytes ?? 16 << 20);
    let status: GrpcError | undefined = new GrpcError(grpcCode.unavailable, 'the connection ended before the reply');
    const readStatus = (headers: Readonly<Record<string, unknown>>) => {
      const http = headers[':status'];
      if (http !== undefined && http !== 200) status = new GrpcError(grpcCode.unknown, `no gRPC: HTTP status ${http}`);
      if (headers['grpc-status'] === undefined) return;
      const code = Number(headers['grpc-status']);
      const text = String(headers['grpc-message'] ?? '');
      status = code === grpcCode.ok ? undefined : new GrpcError(code, percentDecoded(text));
    };
    stream.on('response', readStatus);
    stream.on('trailers', readStatus);
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) onMessage(frame);
      } catch (error) {
        const why = `grpc: failed to unmarshal the received message: ${(error as Error).message}`;
        onEnd(error instanceof GrpcError ? error : new GrpcError(grpcCode.internal, why, { cause: error }));
      }
    });
    const neverBegan = () => !session.wasConnected || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    stream.on('error', (error) => onEnd(this.#unavailable(session.failure ?? error, neverBegan())));
    stream.on('close', () => {
      if (status && neverBegan()) onEnd(this.#unavailable(session.failure ?? status, true));
      else onEnd(status);
    });
  }

  #unavailable(cause: Error, neverBegan: boolean): GrpcError {
    // A stream that waits for the connection is cancelled because of what befell that.
    const { message } = cause.cause instanceof Error ? cause.cause : cause;
    return new GrpcError(grpcCode.unavailable, `${describe(this.#target)}: ${message}`, { cause, neverBegan });
  }

  #connected(): Session {
    if (this.#session?.usable) return this.#session;
    this.#session = new Session(this.#target, this.#options.keepalive);
    return this.#session;
  }
}

/** As Go's client reads it: what is no code of a byte stands for itself. */
function percentDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (codes) => Buffer.from(codes.replaceAll('%', ''), 'hex').toString());
}

interface Call extends CallOptions {
  readonly path: string;
  readonly body: Buffer;
  readonly holdsOpen?: boolean;
}

export interface StreamOptions<Out> extends CallOptions {
  readonly onMessage: (message: Out) => void;
  /** The request side stays open until the call ends, for servers that take its end for the end of the call. */
  readonly holdsOpen?: boolean;
}

/** One connection. Calls carry its failure to their callers; the next call makes another. */
class Session {
  readonly #http2: ClientHttp2Session;
  readonly #streams = new Set<ClientHttp2Stream>();
  readonly #keepalive: NodeJS.Timeout | undefined;
  wasConnected = false;
  failure: Error | undefined;

  constructor(target: GrpcTarget, keepalive: number | undefined) {
    this.#http2 = connectTo(target);
    this.#http2.on('connect', () => {
      // Told also of a connection that comes about after the session was given up.
      if (this.#http2.destroyed) return;
      this.wasConnected = true;
      this.#http2.setLocalWindowSize(connectionWindow);
    });
    this.#http2.on('error', (error) => {
      this.failure = error;
    });
    this.#http2.on('goaway', () => this.#http2.close());
    this.#http2.on('close', () => clearInterval(this.#keepalive));
    this.#http2.unref();
    if (keepalive !== undefined) this.#keepalive = setInterval(() => this.#ping(keepalive / 2), keepalive).unref();
  }

  get usable(): boolean {
    return !this.#http2.closed && !this.#http2.destroyed;
  }

  open(headers: Readonly<Record<string, string>>): ClientHttp2Stream {
    const stream = this.#http2.request(headers);
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  }

  destroy(): void {
    clearInterval(this.#keepalive);
    this.#http2.destroy();
  }

  /** Servers take it ill when they are pinged for nothing, so this is done only while they owe an answer. */
  #ping(patience: number): void {
    if (this.#streams.size === 0 || !this.usable || !this.wasConnected) return;
    const timer = setTimeout(() => this.#http2.destroy(new Error('the far end does not answer any more')), patience);
    timer.unref();
    const sent = this.#http2.ping(() => clearTimeout(timer));
    if (!sent) clearTimeout(timer);
  }
}

function connectTo(target: GrpcTarget): ClientHttp2Session {
  const settings = { enablePush: false, initialWindowSize: streamWindow };
  if (typeof target === 'string') {
    return connect('http://localhost', { settings, createConnection: () => connectSocket(target) });
  }
  const { host, port, tls } = target;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (!tls) return connect(`http://${authority}`, { settings });
  const options: SecureClientSessionOptions = { settings, ...tls };
  return connect(`https://${authority}`, options);
}
