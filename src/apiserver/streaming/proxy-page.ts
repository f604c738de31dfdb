// A page that comes through a proxy: read whole, its links led through the proxy, and packed again as it was.
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { deflateRaw, gunzip, gzip, inflateRaw } from 'node:zlib';
import { linksThrough } from './proxy-links.ts';
import type { ProxiedPlace } from './proxy-redirect.ts';

/** Bytes; what is longer goes on as it is, so that nobody's pages fill the server's memory. */
const longestPage = 4 << 20;

const asIs = async (bytes: Buffer): Promise<Buffer> => bytes;
/** By Content-Encoding. Pages packed otherwise go on as they are, too. */
const encodings = new Map([
  ['', { unpack: asIs, pack: asIs }],
  ['gzip', { unpack: promisify<Buffer, object, Buffer>(gunzip), pack: promisify<Buffer, Buffer>(gzip) }],
  ['deflate', { unpack: promisify<Buffer, object, Buffer>(inflateRaw), pack: promisify<Buffer, Buffer>(deflateRaw) }],
]);

export function isPage({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.split(';')[0]?.trim() === 'text/html';
}

/** The body for the client: bytes of a known length, or what is passed on while it comes. */
export async function pageThrough(
  response: IncomingMessage,
  place: ProxiedPlace,
): Promise<Buffer | AsyncIterable<Uint8Array>> {
  const encoding = encodings.get(response.headers['content-encoding'] ?? '');
  if (!encoding) return response;
  const chunks: Buffer[] = [];
  let length = 0;
  const rest = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  while (length <= longestPage) {
    const { done, value } = await rest.next();
    if (done) {
      const whole = Buffer.concat(chunks);
      return rewritten(whole, place, encoding).catch(() => whole);
    }
    chunks.push(value);
    length += value.length;
  }
  return (async function* () {
    yield* chunks;
    yield* { [Symbol.asyncIterator]: () => rest };
  })();
}

async function rewritten(
  bytes: Buffer,
  place: ProxiedPlace,
  { unpack, pack }: { unpack(bytes: Buffer, limits: object): Promise<Buffer>; pack(bytes: Buffer): Promise<Buffer> },
): Promise<Buffer> {
  // Markup is ASCII in all encodings of pages that are common: latin1 keeps all other bytes.
  const page = (await unpack(bytes, { maxOutputLength: longestPage })).toString('latin1');
  return pack(Buffer.from(linksThrough(page, place), 'latin1'));
}
