// Header blocks of SPDY/3: names and values, in one zlib stream per direction that spans the whole connection.
//
// A sender flushes the stream after each block, so every block ends at a whole byte and refers back at most 32 KiB. That
// lets both directions do without a running zlib: the encoder writes stored blocks (headers here are a few dozen bytes,
// nothing is won by compressing them), and the decoder inflates each block alone, with what came before as its dictionary.
import { constants, inflateRawSync } from 'node:zlib';
import { adler32, spdyDictionary } from './dictionary.ts';

/** Names in lower case. */
export type SpdyHeaders = Readonly<Record<string, string>>;

const windowBytes = 32 * 1024;
const maxStored = 65_535;
/** More than any peer sends: a block this long is an attack. */
const maxInflatedBytes = 1 << 20;
/** An empty stored block: what Z_SYNC_FLUSH ends with; Go's reader hands out what it has when it meets one. */
const flush = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u32(bytes.length), bytes]);
}

export class HeaderEncoder {
  #isFirst = true;

  encode(headers: SpdyHeaders): Buffer {
    const entries = Object.entries(headers);
    const plain = Buffer.concat([
      u32(entries.length),
      ...entries.flatMap(([name, value]) => [withLength(name.toLowerCase()), withLength(value)]),
    ]);
    const parts: Buffer[] = [];
    if (this.#isFirst) {
      // zlib header: deflate, 32 KiB window, preset dictionary (RFC 1950).
      parts.push(Buffer.from([0x78, 0xbb]), u32(adler32(spdyDictionary)));
      this.#isFirst = false;
    }
    for (let at = 0; at < plain.length; at += maxStored) parts.push(storedBlock(plain.subarray(at, at + maxStored)));
    return Buffer.concat([...parts, flush]);
  }
}

/** A deflate block without compression (RFC 1951, section 3.2.4). */
function storedBlock(data: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(data.length, 1);
  head.writeUInt16LE(~data.length & 0xffff, 3);
  return Buffer.concat([head, data]);
}

export class HeaderDecoder {
  #window: Buffer = spdyDictionary;
  #isFirst = true;

  /** Throws when the block is no continuation of the stream; the connection is then useless. */
  decode(block: Buffer): SpdyHeaders {
    let deflated = block;
    if (this.#isFirst) {
      const hasDictionary = ((block[1] ?? 0) & 0x20) !== 0;
      deflated = block.subarray(hasDictionary ? 6 : 2);
      this.#isFirst = false;
    }
    const plain = inflateRawSync(deflated, {
      dictionary: this.#window,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: maxInflatedBytes,
    });
    this.#window = Buffer.concat([this.#window, plain]).subarray(-windowBytes);
    return parseBlock(plain);
  }
}

function parseBlock(plain: Buffer): SpdyHeaders {
  const headers: Record<string, string> = {};
  let at = 4;
  const text = () => {
    const end = at + 4 + plain.readUInt32BE(at);
    if (end > plain.length) throw new Error('a SPDY header block ends inside a header');
    const value = plain.toString('utf8', at + 4, end);
    at = end;
    return value;
  };
  for (let count = plain.readUInt32BE(0); count > 0; count--) {
    const name = text();
    // Several values of one name are separated by NUL.
    headers[name] = text().replaceAll('\0', ', ');
  }
  return headers;
}
