// The heads of requests over HTTP/1.1 as nearly all are: in one piece, with nothing in them that bears on how they are to be read.
// Whatever differs in the least is no plain request, and Node's parser has it: what is read here is read alike by both.
import { isPlainValue } from './header-text.ts';

export interface PlainHead {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  /** Names in lower case; none came twice. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the body begins, and where it ends. */
  readonly bodyStart: number;
  readonly end: number;
}

const requestLine = /^(GET|POST|PUT|PATCH|DELETE) (\/[!-~]*) HTTP\/1\.1$/;
/** RFC 9110, section 5.6.2. */
const token = /^[\w!#$%&'*+\-.^`|~]+$/;
const plainHost = /^[\w.:[\]-]+$/;
const plainLength = /^\d{1,7}$/;
/** They end a connection, change what it speaks, or say that more is to come. */
const telling = ['upgrade', 'expect', 'transfer-encoding', 'trailer', 'te', 'proxy-connection'];
/** In bytes, and headers: far below what Node.js is told to take. */
const longestHead = 16 * 1024;
const mostHeaders = 100;

/** Reads the heads of one connection. */
export class PlainHeads {
  /** A client says mostly the same of each of its requests, and makes objects one after the other in one place. */
  #first = '';
  #asked: Pick<PlainHead, 'method' | 'url'> | undefined;
  #lines = '';
  #headers: PlainHead['headers'] = {};

  /** Undefined where the piece does not begin with the whole head of a plain request. The body may still be to come. */
  read(piece: Buffer): PlainHead | undefined {
    const headEnd = piece.indexOf('\r\n\r\n');
    if (headEnd < 0 || headEnd > longestHead) return undefined;
    const text = piece.toString('latin1', 0, headEnd);
    const lineEnd = text.indexOf('\r\n');
    if (lineEnd < 0) return undefined;
    const asked = this.#askedIn(text.slice(0, lineEnd));
    if (!asked) return undefined;
    const headers = this.#headersOf(text.slice(lineEnd + 2));
    if (!headers) return undefined;
    const bodyStart = headEnd + 4;
    const end = bodyStart + Number(headers['content-length'] ?? 0);
    return { method: asked.method, url: asked.url, headers, bodyStart, end };
  }

  #askedIn(line: string): Pick<PlainHead, 'method' | 'url'> | undefined {
    if (line === this.#first) return this.#asked;
    const [, method, url] = requestLine.exec(line) ?? [];
    if (method === undefined || url === undefined) return undefined;
    this.#first = line;
    this.#asked = { method, url };
    return this.#asked;
  }

  #headersOf(lines: string): PlainHead['headers'] | undefined {
    if (lines === this.#lines) return this.#headers;
    const headers = plainHeaders(lines.split('\r\n'));
    if (!headers) return undefined;
    this.#lines = lines;
    this.#headers = headers;
    return headers;
  }
}

function plainHeaders(lines: readonly string[]): Record<string, string> | undefined {
  if (lines.length > mostHeaders) return undefined;
  // One that names what any object has, such as `constructor`, counts as one that came twice.
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1);
    if (!token.test(name) || !isPlainValue(value) || name in headers) return undefined;
    headers[name] = value.trim();
  }
  const { host = '', connection = 'keep-alive', 'content-length': bodyLength = '0' } = headers;
  const isPlain =
    plainHost.test(host) &&
    connection.toLowerCase() === 'keep-alive' &&
    plainLength.test(bodyLength) &&
    !telling.some((name) => name in headers);
  return isPlain ? headers : undefined;
}
