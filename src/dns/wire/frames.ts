// Messages on a stream: two bytes of length before each (RFC 1035, 4.2.2).

/** The message with its length before it, in one piece, so that both leave in one segment. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(2 + message.length);
  framed.writeUInt16BE(message.length);
  framed.set(message, 2);
  return framed;
}

/** Cuts a stream into messages. What it keeps between two calls is less than one message and its length. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #length = 0;

  /** Whether part of a message is here. */
  get partial(): boolean {
    return this.#length > 0;
  }

  /** The messages that are whole now. */
  take(data: Buffer): Buffer[] {
    this.#chunks.push(data);
    this.#length += data.length;
    if (this.#length < this.#wanted()) return [];
    let rest = this.#joined();
    const messages: Buffer[] = [];
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      messages.push(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    return messages;
  }

  /** Bytes until the first message is whole. */
  #wanted(): number {
    if (this.#length < 2) return 2;
    const [first] = this.#chunks;
    return 2 + (first && first.length >= 2 ? first : this.#joined()).readUInt16BE(0);
  }

  #joined(): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    if (this.#chunks.length <= 1) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
