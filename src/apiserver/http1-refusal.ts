// Requests of HTTP/1.1 that Node.js reads and nobody is to serve, as Go's servers have it: what a proxy in front could take for
// another request than this server does.
import type { IncomingMessage } from 'node:http';

export interface Http1Refusal {
  readonly status: number;
  readonly text: string;
}

const hostCharacters = /^[\w!$%&'()*+,\-.:;=@[\]~]*$/;

/** Undefined: nothing is wrong with it. */
export function http1Refusal({
  headers,
  rawHeaders,
}: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): Http1Refusal | undefined {
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return { status: 501, text: '501 Not Implemented: unsupported transfer encoding' };
  }
  if (hostCount(rawHeaders) > 1) return { status: 400, text: '400 Bad Request: too many Host headers' };
  if (!hostCharacters.test(headers.host ?? '')) {
    return { status: 400, text: '400 Bad Request: malformed Host header' };
  }
  return undefined;
}

/** Node.js keeps the first. */
function hostCount(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') count++;
  }
  return count;
}
