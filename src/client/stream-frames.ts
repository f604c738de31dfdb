// The frames that an exec, attach or port-forward speaks between API server and agent, in both directions:
// [channel: u8][length: u32 big-endian][data]. docs/design.md, "The way to kubelets". The requests are:
//
//   POST /exec/NS/POD/CONTAINER?command=…&command=…&input=1&output=1&error=1&tty=1   (each flag only when wanted)
//   POST /attach/NS/POD/CONTAINER?input=1&output=1&error=1&tty=1
//   POST /portForward/NS/POD?port=80       one request per TCP connection
//
// The agent answers 200 when the streams stand; anything else is a refusal, with its text as the body (400 the client's
// fault, 404 no such pod or container, 500).

/**
 * What a frame's channel carries in an exec or attach. In a port-forward channel 0 is the connection's data, both ways
 * (`close` of it is the half-close), and channel 1 says from the agent, as text, why it failed.
 */
export const channel = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** One Status as JSON, the last frame of an exec or attach. */
  error: 3,
  /** `{"Width":80,"Height":24}`. */
  resize: 4,
  /** Its one data byte names the channel on which the sender has nothing more to say. */
  close: 255,
} as const;

export interface Frame {
  readonly channel: number;
  readonly data: Uint8Array;
}

const headerBytes = 5;
/** Larger frames are a mistake of the peer, not data. */
export const maxFrameBytes = 1 << 24;

export function encodeFrame({ channel: number, data }: Frame): Uint8Array {
  const frame = Buffer.allocUnsafe(headerBytes + data.length);
  frame[0] = number;
  frame.writeUInt32BE(data.length, 1);
  frame.set(data, headerBytes);
  return frame;
}

/** The frame that closes a channel for writing. */
export function encodeClose(closed: number): Uint8Array {
  return encodeFrame({ channel: channel.close, data: Uint8Array.of(closed) });
}

/** Takes bytes as they come and gives out whole frames. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that this chunk completes. Throws on a frame longer than {@link maxFrameBytes}: the stream is then useless. */
  push(chunk: Uint8Array): Frame[] {
    const incoming = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let bytes = this.#rest.length === 0 ? incoming : Buffer.concat([this.#rest, incoming]);
    const frames: Frame[] = [];
    while (bytes.length >= headerBytes) {
      const length = bytes.readUInt32BE(1);
      if (length > maxFrameBytes) throw new Error(`a stream frame of ${length} bytes is longer than ${maxFrameBytes}`);
      if (bytes.length < headerBytes + length) break;
      frames.push({ channel: bytes.readUInt8(0), data: bytes.subarray(headerBytes, headerBytes + length) });
      bytes = bytes.subarray(headerBytes + length);
    }
    this.#rest = bytes;
    return frames;
  }
}
