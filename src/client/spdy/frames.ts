// The frames of SPDY/3.1 as values, encode and decode. Header blocks stay as the bytes they are.

export type SpdyFrame =
  | { readonly type: 'data'; readonly streamId: number; readonly isLast: boolean; readonly data: Buffer }
  | { readonly type: 'syn-stream'; readonly streamId: number; readonly isLast: boolean; readonly headerBlock: Buffer }
  | { readonly type: 'syn-reply'; readonly streamId: number; readonly isLast: boolean; readonly headerBlock: Buffer }
  | { readonly type: 'headers'; readonly streamId: number; readonly isLast: boolean; readonly headerBlock: Buffer }
  | { readonly type: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway'; readonly lastStreamId: number; readonly status: number }
  | { readonly type: 'window-update'; readonly streamId: number; readonly delta: number }
  /** SETTINGS and what later versions may bring: read over. */
  | { readonly type: 'other'; readonly code: number };

const codes = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goaway: 7, headers: 8, windowUpdate: 9 };
const version = 3;
const flagFin = 0x01;
const headBytes = 8;
/** Status of a RST_STREAM: the stream is given up. */
export const rstCancel = 5;
export const rstRefused = 3;

function control(code: number, flags: number, parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(headBytes);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  head.writeUInt16BE(0x8000 | version, 0);
  head.writeUInt16BE(code, 2);
  head.writeUInt32BE(((flags << 24) | length) >>> 0, 4);
  return Buffer.concat([head, ...parts]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, 4 * index);
  });
  return bytes;
}

export function encodeSpdyFrame(frame: Exclude<SpdyFrame, { type: 'other' }>): Buffer {
  const fin = 'isLast' in frame && frame.isLast ? flagFin : 0;
  switch (frame.type) {
    case 'data': {
      const head = words(frame.streamId, ((fin << 24) | frame.data.length) >>> 0);
      return Buffer.concat([head, frame.data]);
    }
    case 'syn-stream':
      // Associated stream 0, priority 0, slot 0.
      return control(codes.synStream, fin, [words(frame.streamId, 0), Buffer.alloc(2), frame.headerBlock]);
    case 'syn-reply':
      return control(codes.synReply, fin, [words(frame.streamId), frame.headerBlock]);
    case 'headers':
      return control(codes.headers, fin, [words(frame.streamId), frame.headerBlock]);
    case 'rst-stream':
      return control(codes.rstStream, 0, [words(frame.streamId, frame.status)]);
    case 'ping':
      return control(codes.ping, 0, [words(frame.id)]);
    case 'goaway':
      return control(codes.goaway, 0, [words(frame.lastStreamId, frame.status)]);
    case 'window-update':
      return control(codes.windowUpdate, 0, [words(frame.streamId, frame.delta)]);
  }
}

/** Takes bytes as they come and gives out whole frames. */
export class SpdyFrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** Throws on another version of SPDY or a frame too short for its type. */
  push(chunk: Uint8Array): SpdyFrame[] {
    const incoming = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let bytes = this.#rest.length === 0 ? incoming : Buffer.concat([this.#rest, incoming]);
    const frames: SpdyFrame[] = [];
    while (bytes.length >= headBytes) {
      const end = headBytes + bytes.readUIntBE(5, 3);
      if (bytes.length < end) break;
      frames.push(decode(bytes.subarray(0, end)));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return frames;
  }
}

function decode(bytes: Buffer): SpdyFrame {
  const first = bytes.readUInt32BE(0);
  const isLast = (bytes.readUInt8(4) & flagFin) !== 0;
  const body = bytes.subarray(headBytes);
  if ((first & 0x8000_0000) === 0) return { type: 'data', streamId: first, isLast, data: body };
  const given = (first >>> 16) & 0x7fff;
  if (given !== version) throw new Error(`SPDY version ${given} is not supported`);
  const code = first & 0xffff;
  const streamId = () => body.readUInt32BE(0) & 0x7fff_ffff;
  switch (code) {
    case codes.synStream:
      return { type: 'syn-stream', streamId: streamId(), isLast, headerBlock: body.subarray(10) };
    case codes.synReply:
      return { type: 'syn-reply', streamId: streamId(), isLast, headerBlock: body.subarray(4) };
    case codes.headers:
      return { type: 'headers', streamId: streamId(), isLast, headerBlock: body.subarray(4) };
    case codes.rstStream:
      return { type: 'rst-stream', streamId: streamId(), status: body.readUInt32BE(4) };
    case codes.ping:
      return { type: 'ping', id: body.readUInt32BE(0) };
    case codes.goaway:
      return { type: 'goaway', lastStreamId: streamId(), status: body.readUInt32BE(4) };
    case codes.windowUpdate:
      return { type: 'window-update', streamId: streamId(), delta: body.readUInt32BE(4) & 0x7fff_ffff };
    default:
      return { type: 'other', code };
  }
}
