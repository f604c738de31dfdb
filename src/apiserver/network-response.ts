// Sends a response by whatever carried its request: whole, streamed, pushed, compressed when the client can read that.

import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import { drained } from '../client/drained.ts';
import { acceptsGzip } from './negotiation.ts';
import type { NetworkRequest } from './network-request.ts';
import type { StreamedAnswer } from './plain-answer.ts';
import { PlainConnection } from './plain-connection.ts';
import { PushedSink } from './pushed-sink.ts';
import { type ApiResponse, isHijack, isPushed, type PushedBody } from './request.ts';

/** Of HTTP/1.1, or the stream of HTTP/2 that the request came by. */
export type Outgoing = ServerResponse | ServerHttp2Stream | PlainConnection;
/** What takes a body in pieces. */
export type OutgoingStream = ServerResponse | ServerHttp2Stream | StreamedAnswer;

/** As upstream: smaller bodies are not worth the work. */
const smallestCompressed = 128 * 1024;
const compress = promisify(gzip);
const noUpgrade = 'this path speaks only to connections that upgrade\n';
const packedHeaders = { 'content-encoding': 'gzip', vary: 'Accept-Encoding' };

interface Carrier {
  readonly request: NetworkRequest;
  readonly outgoing: Outgoing;
}

/** Resolves when the response is handed over, or the client is gone; never rejects. Most are handed over at once. */
export function sendResponse(response: ApiResponse, carrier: Carrier): Promise<void> | void {
  try {
    const sending = send(response, carrier);
    // The client went away, or a body broke off.
    return sending?.catch(() => breakOff(carrier.outgoing));
  } catch {
    breakOff(carrier.outgoing);
  }
}

/** The connection tells that the answer is not whole: of HTTP/2 the stream, whose reset says NO_ERROR unless there is one. */
export function breakOff(outgoing: Outgoing): void {
  if ('respond' in outgoing) outgoing.destroy(new Error('the answer broke off'));
  else outgoing.destroy();
}

function send(response: ApiResponse, { request, outgoing }: Carrier): Promise<void> | void {
  const { headers, status, body } = response;
  if (isHijack(body)) {
    start(outgoing, 400, { 'content-type': 'text/plain' }, noUpgrade.length);
    end(outgoing, noUpgrade);
    return;
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    return sendStream(body, response, { request, outgoing });
  if (body.length > smallestCompressed && acceptsGzip(request.headers['accept-encoding'])) {
    return sendCompressed({ status, headers, body }, outgoing);
  }
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  start(outgoing, status, headers, status === 304 || status === 204 ? undefined : length);
  // A stream of HTTP/2 has ended with a head that nothing follows.
  if (outgoing.writableEnded) return;
  end(outgoing, besideHead(body, headers));
}

/** Beside a text Node.js writes the head as UTF-8, too: what warnings hold beyond ASCII would be encoded twice. */
function besideHead(body: string | Uint8Array, { warning }: ApiResponse['headers']): string | Uint8Array {
  return warning !== undefined && typeof body === 'string' ? Buffer.from(body) : body;
}

async function sendCompressed(
  { status, headers, body }: Omit<ApiResponse, 'body'> & { readonly body: string | Uint8Array },
  outgoing: Outgoing,
): Promise<void> {
  if (outgoing.destroyed) return;
  const bytes = await compress(body, { level: 1 });
  start(outgoing, status, { ...headers, ...packedHeaders }, bytes.length);
  if (!outgoing.writableEnded) end(outgoing, bytes);
}

async function sendStream(
  body: PushedBody | AsyncIterable<string | Uint8Array>,
  { headers, status, isCompressible }: Omit<ApiResponse, 'body'>,
  { request, outgoing }: Carrier,
): Promise<void> {
  const isPacked = isCompressible === true && acceptsGzip(request.headers['accept-encoding']);
  start(outgoing, status, isPacked ? { ...headers, ...packedHeaders } : headers);
  if (outgoing.writableEnded) return;
  if (request.method === 'HEAD') {
    end(outgoing, '');
    return;
  }
  const stream = begun(outgoing);
  if (isPushed(body)) {
    const sink = new PushedSink(stream);
    await body.pushTo(sink);
    sink.end();
    return;
  }
  for await (const chunk of isPacked ? packed(body) : body) {
    if (stream.destroyed) return;
    if (!stream.write(chunk)) await drained(stream);
  }
  stream.end();
}

function end(outgoing: { end(body: string | Uint8Array): unknown }, body: string | Uint8Array): void {
  outgoing.end(body);
}

/** The first piece may be long in coming: a watch begins when its head arrives. */
function begun(outgoing: Outgoing): OutgoingStream {
  if (outgoing instanceof PlainConnection) return outgoing.inPieces();
  if ('flushHeaders' in outgoing) outgoing.flushHeaders();
  return outgoing;
}

/** One that breaks off does so packed, too, and is let go of when nobody wants more. */
function packed(body: AsyncIterable<string | Uint8Array>): AsyncIterable<Uint8Array> {
  return pipeline(Readable.from(body, { objectMode: false }), createGzip({ level: 1 }), () => {});
}

/** `length`: of the body, where it is known. */
function start(outgoing: Outgoing, status: number, headers: ApiResponse['headers'], length?: number): void {
  const isHttp2 = 'respond' in outgoing;
  // Names and values in turn: of an object Node.js makes one or two more.
  const fields: string[] = isHttp2 ? [':status', String(status)] : [];
  for (const name in headers) {
    // HTTP/2 knows no header of connections (RFC 9113, section 8.2.2).
    if (isHttp2 && name === 'connection') continue;
    // Of what is passed on it may be no longer so.
    if (name === 'content-length' && length !== undefined) continue;
    const value = headers[name];
    if (typeof value === 'string') fields.push(name, value);
    else for (const one of value ?? []) fields.push(name, one);
  }
  if (length !== undefined) fields.push('content-length', String(length));
  if (!isHttp2) {
    outgoing.writeHead(status, fields);
    return;
  }
  outgoing.respond(fields);
  // Sends GOAWAY; what is under way is answered.
  if (headers.connection === 'close') outgoing.session?.close();
}
