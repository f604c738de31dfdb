// What goes into the API server and what comes out, whatever carried it: the HTTPS listener, or a part of the same
// process (src/cluster/in-process-transport.ts).
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Later } from '../apimachinery/later.ts';
import type { KubeObject, WatchEvent } from '../apimachinery/object.ts';
import { StatusError } from '../apimachinery/status.ts';
import type { ClientCertificate } from './client-certificate.ts';

/** Who asks (authentication.k8s.io UserInfo). */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Who shows nothing. */
export const anonymousUser: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The connection of an HTTP/1.1 request that asks to speak another protocol. Nothing was answered on it yet. */
export interface Upgrade {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export interface ApiRequest {
  /** Upper case. */
  readonly method: string;
  /** Without the query, percent-encoded as it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The query as it came, without its `?`; undefined where it came as {@link query}. */
  readonly search?: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names and values in turn, as they came; absent where no header comes twice. */
  readonly rawHeaders?: readonly string[];
  /** Reads the whole body, at once where it has come; rejects with a StatusError 413 past {@link maxBodyBytes}. At most once. */
  body(): Later<Uint8Array>;
  /** Told of the object that the body holds, when it is known. */
  decoded?(object: KubeObject): void;
  /**
   * The body as it comes in, for the proxies; undefined where there is none to come, and within this process. At most once, and
   * in place of {@link body}. Who stops reading it takes nothing from the answer.
   */
  readonly stream?: AsyncIterable<Uint8Array> | undefined;
  /** Aborts when the client goes away or the server ends. */
  readonly signal: AbortSignal;
  readonly remoteAddress?: string;
  /** What the client showed, whoever vouches for it. */
  readonly clientCertificate?: ClientCertificate;
  /** Set where the carrier vouches for the user: the in-process transport. Authentication takes it as it is. */
  readonly trustedUser?: User;
  /** Set for `Connection: Upgrade`; only streaming subresources use it. */
  readonly upgrade?: Upgrade;
}

/** The path, or another one in its place, with the query as it came. */
export function requestUri({ path, search, query }: Pick<ApiRequest, 'path' | 'search' | 'query'>, at = path): string {
  const text = search ?? String(query);
  return text === '' ? at : `${at}?${text}`;
}

/** Where a pushed body goes. */
export interface ByteSink {
  /** Hands bytes over. False: more than a little is waiting to be sent; `drained` tells when it went. */
  write(chunk: string | Uint8Array): boolean;
  /**
   * Of readers in this process only: takes a watch's event in place of its bytes. The object is the one that all others
   * see: never to be changed.
   */
  writeEvent?(event: WatchEvent<Readonly<KubeObject>>): boolean;
  drained(): Promise<void>;
  /** Bytes handed over and not sent yet. */
  readonly buffered: number;
}

/** A body that writes itself as things happen: watches. It is complete when the promise resolves. */
export interface PushedBody {
  pushTo(sink: ByteSink): Promise<void>;
}

/** Takes the connection of an upgrade over: writes its own status line, and closes the socket in the end. */
export interface Hijack {
  hijack(upgrade: Upgrade): void;
}

export type ResponseBody = string | Uint8Array | AsyncIterable<string | Uint8Array> | PushedBody | Hijack;

export interface ApiResponse {
  readonly status: number;
  /** Names in lower case. `connection: close` ends the connection behind the answer, in both versions of HTTP. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: ResponseBody;
  /** A body in pieces that may be compressed as a whole: nobody waits for the first piece alone. */
  readonly isCompressible?: boolean;
}

/** The values of a header that may come several times: a comma in one of them does not part it. The name is in lower case. */
export function headerValues(
  { headers, rawHeaders }: Pick<ApiRequest, 'headers' | 'rawHeaders'>,
  name: string,
): readonly string[] {
  const joined = headers[name];
  if (!joined) return [];
  if (!rawHeaders) return [joined];
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
  return values.filter((value) => value !== '');
}

/** Its requests have pseudo headers. */
export function isHttp2({ headers }: Pick<ApiRequest, 'headers'>): boolean {
  return headers[':method'] !== undefined;
}

/** There is nobody to answer. */
export class WentAwayError extends Error {
  readonly kind = 'went-away';

  constructor() {
    super('the client went away before its request was whole');
  }
}

/** As kube-apiserver: larger bodies are refused with 413. */
export const maxBodyBytes = 3 * 1024 * 1024;

export function isHijack(body: ResponseBody): body is Hijack {
  return typeof body === 'object' && 'hijack' in body;
}

export function isPushed(body: ResponseBody): body is PushedBody {
  return typeof body === 'object' && 'pushTo' in body;
}

export function jsonResponse(status: number, value: unknown): ApiResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` };
}

export function textResponse(status: number, text: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body: text,
  };
}

export function statusResponse(error: StatusError): ApiResponse {
  const response = jsonResponse(error.status.code, error.status);
  return { ...response, headers: { ...error.headers, ...response.headers } };
}

export function bodyTooLarge(): StatusError {
  return new StatusError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${maxBodyBytes}`,
  });
}

/** Collects a body as it comes in, and stops reading once it is too large. */
export async function readBody(stream: AsyncIterable<Uint8Array>, limit = maxBodyBytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) throw bodyTooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
