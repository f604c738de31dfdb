// A gRPC client over a unix socket (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): unary calls and
// server streams, no compression. node:http2 is loaded by the agent anyway; @grpc/grpc-js would add 60 ms to its start
// and 20 MB to its memory for features that a local socket has no use for.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Message } from './codec.ts';

/** Codes of https://grpc.io/docs/guides/status-codes/ that callers tell apart. */
export const grpcCode = {
  ok: 0,
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  unimplemented: 12,
  unavailable: 14,
} as const;

/** A call that the server refused (its code and words) or that did not reach it (`unavailable`). */
export class GrpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'GrpcError';
    this.code = code;
  }
}

export const isGrpcNotFound = (error: unknown): boolean =>
  error instanceof GrpcError && error.code === grpcCode.notFound;

/** A method with its messages: `/runtime.v1.RuntimeService/Version`. */
export interface Method<In, Out> {
  readonly path: string;
  readonly request: Pick<Message<In, unknown>, 'encode'>;
  readonly response: Pick<Message<never, Out>, 'decode'>;
}

export interface CallOptions {
  /** Milliseconds until the call fails with `deadlineExceeded`; absent is no limit. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Cuts a stream of bytes into gRPC's length-prefixed messages. */
class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Buffer[] = [];
    while (this.#pending.length >= 5) {
      const length = this.#pending.readUInt32BE(1);
      if (this.#pending.length < 5 + length) break;
      frames.push(this.#pending.subarray(5, 5 + length));
      this.#pending = this.#pending.subarray(5 + length);
    }
    return frames;
  }
}

function framed(body: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + body.length);
  frame.writeUInt32BE(body.length, 1);
  frame.set(body, 5);
  return frame;
}

/** The path of a unix socket, or a TCP port in plain text. */
export type GrpcTarget = string | { readonly host: string; readonly port: number };

const describe = (target: GrpcTarget): string =>
  typeof target === 'string' ? target : `${target.host}:${target.port}`;

export class GrpcClient {
  readonly #target: GrpcTarget;
  #session: ClientHttp2Session | undefined;

  constructor(target: GrpcTarget) {
    this.#target = target;
  }

  /** One request, one reply. Rejects with GrpcError. */
  unary<In, Out>(method: Method<In, Out>, request: In, options: CallOptions = {}): Promise<Out> {
    return new Promise((resolve, reject) => {
      let reply: Buffer | undefined;
      this.#call(method, request, {
        ...options,
        onMessage(frame) {
          reply = frame;
        },
        onEnd(error) {
          if (error) reject(error);
          else if (!reply) reject(new GrpcError(grpcCode.unknown, 'the server sent no reply'));
          else resolve(method.response.decode(reply));
        },
      });
    });
  }

  /** Hands each message to `onMessage` until the server ends the stream (resolves) or it fails (rejects). */
  stream<In, Out>(
    method: Method<In, Out>,
    request: In,
    { onMessage, ...options }: CallOptions & { readonly onMessage: (message: Out) => void },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#call(method, request, {
        ...options,
        onMessage: (frame) => onMessage(method.response.decode(frame)),
        onEnd: (error) => (error ? reject(error) : resolve()),
      });
    });
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #call<In, Out>(
    method: Method<In, Out>,
    request: In,
    options: CallOptions & { onMessage(frame: Buffer): void; onEnd(error: GrpcError | undefined): void },
  ): void {
    let ended = false;
    let call: ClientHttp2Stream | undefined;
    const end = (error: GrpcError | undefined) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      if (error) call?.close(constants.NGHTTP2_CANCEL);
      options.onEnd(error);
    };
    const onAbort = () => end(new GrpcError(1, 'cancelled', options.signal?.reason));
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(() => end(new GrpcError(grpcCode.deadlineExceeded, 'context deadline exceeded')), options.timeout);
    if (options.signal?.aborted) {
      onAbort();
      return;
    }
    options.signal?.addEventListener('abort', onAbort);
    try {
      call = this.#connected().request({
        ':method': 'POST',
        ':path': method.path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...options.headers,
      });
    } catch (error) {
      end(new GrpcError(grpcCode.unavailable, `${describe(this.#target)}: ${(error as Error).message}`, error));
      return;
    }
    const reader = new FrameReader();
    let status: GrpcError | undefined = new GrpcError(grpcCode.unavailable, 'the connection ended before the reply');
    const readStatus = (headers: Readonly<Record<string, unknown>>) => {
      if (headers['grpc-status'] === undefined) return;
      const code = Number(headers['grpc-status']);
      const text = decodeURIComponent(String(headers['grpc-message'] ?? ''));
      status = code === grpcCode.ok ? undefined : new GrpcError(code, text);
    };
    call.on('response', readStatus);
    call.on('trailers', readStatus);
    call.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) options.onMessage(frame);
    });
    call.on('error', (error) =>
      end(new GrpcError(grpcCode.unavailable, `${describe(this.#target)}: ${error.message}`, error)),
    );
    call.on('close', () => end(status));
    call.end(framed(method.request.encode(request)));
  }

  #connected(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect('http://localhost', {
      createConnection: () =>
        typeof this.#target === 'string' ? connectSocket(this.#target) : connectSocket(this.#target),
    });
    // Calls carry the failure to their callers; the session is made anew by the next call.
    session.on('error', () => {});
    session.on('goaway', () => session.close());
    session.unref();
    this.#session = session;
    return session;
  }
}
