// A SPDY/3.1 connection, either end: streams with headers over one socket. Kubernetes' peers (moby/spdystream) know no
// flow control: they send no WINDOW_UPDATE, so a sender that waited for one would stand still after 64 KiB. What
// holds back a fast sender here is the socket itself: it is not read while a stream's reader is far behind.
import { Duplex } from 'node:stream';
import { drained } from '../drained.ts';
import { encodeSpdyFrame, rstCancel, rstRefused, type SpdyFrame, SpdyFrameDecoder } from './frames.ts';
import { HeaderDecoder, HeaderEncoder, type SpdyHeaders } from './header-block.ts';

export interface SpdySessionOptions {
  /** Clients number their streams odd, servers even. */
  readonly role: 'client' | 'server';
  /** Called for each stream that the peer opens; it answers with `accept` or `refuse`. Without it all are refused. */
  readonly onStream?: (stream: SpdyStream) => void;
}

/** What a stream may hold unread before the whole connection is no longer read. */
const highWater = 1 << 20;
const maxData = 32 * 1024;

/** One stream: a Duplex whose ends close by themselves. `end()` is the half-close; `destroy()` resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  /** Of the peer's SYN_STREAM; of a stream opened here its own. */
  readonly headers: SpdyHeaders;
  readonly #session: SpdySession;
  #peerEnded = false;

  constructor(session: SpdySession, id: number, headers: SpdyHeaders) {
    super({ allowHalfOpen: true, readableHighWaterMark: highWater });
    this.#session = session;
    this.id = id;
    this.headers = headers;
  }

  /** Answers the peer's SYN_STREAM. */
  accept(): this {
    this.#session.reply(this.id);
    return this;
  }

  refuse(): void {
    this.#session.reset(this.id, rstRefused);
    this.#peerEnded = true;
    this.destroy();
  }

  /** For the session: what came for this stream. Ends the reading side with `undefined`. */
  receive(data: Buffer | undefined): void {
    if (this.destroyed || this.#peerEnded) return;
    if (data === undefined) {
      this.#peerEnded = true;
      this.push(null);
    } else if (data.length > 0 && !this.push(data)) this.#session.hold(this);
  }

  /** For the session: the peer has given the stream up, or the connection is gone. */
  lost(error?: Error): void {
    if (error || this.readableLength === 0) {
      this.#peerEnded = true;
      this.destroy(error);
      return;
    }
    // What came before can still be read; a runtime closes the connection right after its last word.
    this.receive(undefined);
    this.end();
  }

  override _read(): void {
    this.#session.release(this);
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    let isSent = true;
    for (let at = 0; at < chunk.length; at += maxData) {
      const data = chunk.subarray(at, at + maxData);
      isSent = this.#session.send({ type: 'data', streamId: this.id, isLast: false, data });
    }
    if (isSent) callback();
    else void this.#session.drained().then(() => callback());
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#session.send({ type: 'data', streamId: this.id, isLast: true, data: Buffer.alloc(0) });
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#session.release(this);
    if (!(this.writableFinished && this.#peerEnded)) this.#session.reset(this.id, rstCancel);
    this.#session.forget(this.id);
    callback(error);
  }
}

interface Opening {
  readonly resolve: (stream: SpdyStream) => void;
  readonly reject: (error: Error) => void;
}

export class SpdySession {
  readonly #socket: Duplex;
  readonly #onStream: ((stream: SpdyStream) => void) | undefined;
  readonly #decoder = new SpdyFrameDecoder();
  readonly #headersIn = new HeaderDecoder();
  readonly #headersOut = new HeaderEncoder();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #openings = new Map<number, Opening>();
  readonly #held = new Set<SpdyStream>();
  readonly #isOurs: (id: number) => boolean;
  #nextId: number;
  /** Settles when the connection is over. */
  readonly closed: Promise<void>;

  /** Starts at once to read the socket, which it owns from here on. */
  constructor(socket: Duplex, { role, onStream }: SpdySessionOptions) {
    this.#socket = socket;
    this.#onStream = onStream;
    this.#nextId = role === 'client' ? 1 : 2;
    const parity = this.#nextId % 2;
    this.#isOurs = (id) => id % 2 === parity;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    socket.once('end', () => socket.end());
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end(new Error('the SPDY connection was closed'));
        resolve();
      });
    });
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Opens a stream; resolves when the peer has answered it, rejects when it refuses or goes away. */
  open(headers: SpdyHeaders): Promise<SpdyStream> {
    const streamId = this.#nextId;
    this.#nextId += 2;
    return new Promise((resolve, reject) => {
      if (this.isClosed) {
        reject(new Error('the SPDY connection was closed'));
        return;
      }
      this.#openings.set(streamId, { resolve, reject });
      this.#streams.set(streamId, new SpdyStream(this, streamId, headers));
      const headerBlock = this.#headersOut.encode(headers);
      this.send({ type: 'syn-stream', streamId, isLast: false, headerBlock });
    });
  }

  /** Says goodbye and closes the connection once what was written is sent. */
  close(): void {
    if (this.#socket.writable) {
      this.send({ type: 'goaway', lastStreamId: Math.max(0, ...this.#streams.keys()), status: 0 });
      this.#socket.end();
    }
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** For streams. False: the socket is full, wait for {@link drained}. */
  send(frame: Exclude<SpdyFrame, { type: 'other' }>): boolean {
    return this.#socket.writable ? this.#socket.write(encodeSpdyFrame(frame)) : true;
  }

  drained(): Promise<void> {
    return drained(this.#socket);
  }

  reply(streamId: number): void {
    this.send({ type: 'syn-reply', streamId, isLast: false, headerBlock: this.#headersOut.encode({}) });
  }

  reset(streamId: number, status: number): void {
    if (this.#streams.has(streamId)) this.send({ type: 'rst-stream', streamId, status });
  }

  forget(streamId: number): void {
    this.#streams.delete(streamId);
  }

  hold(stream: SpdyStream): void {
    this.#held.add(stream);
    this.#socket.pause();
  }

  release(stream: SpdyStream): void {
    if (this.#held.delete(stream) && this.#held.size === 0) this.#socket.resume();
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) this.#handle(frame);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
      this.#socket.destroy();
    }
  }

  #handle(frame: SpdyFrame): void {
    switch (frame.type) {
      case 'data': {
        const stream = this.#streams.get(frame.streamId);
        stream?.receive(frame.data);
        if (frame.isLast) stream?.receive(undefined);
        return;
      }
      case 'syn-stream':
        this.#opened(frame.streamId, this.#headersIn.decode(frame.headerBlock), frame.isLast);
        return;
      case 'syn-reply':
        // The block must be read even where nobody cares: the zlib stream goes on from it.
        this.#headersIn.decode(frame.headerBlock);
        this.#replied(frame.streamId, frame.isLast);
        return;
      case 'headers':
        this.#headersIn.decode(frame.headerBlock);
        if (frame.isLast) this.#streams.get(frame.streamId)?.receive(undefined);
        return;
      case 'rst-stream':
        this.#wasReset(frame.streamId, frame.status);
        return;
      case 'ping':
        if (!this.#isOurs(frame.id)) this.send(frame);
        return;
      case 'goaway':
      case 'window-update':
      case 'other':
        return;
    }
  }

  #opened(streamId: number, headers: SpdyHeaders, isLast: boolean): void {
    if (this.#isOurs(streamId) || this.#streams.has(streamId)) throw new Error(`stream ${streamId} may not be opened`);
    const stream = new SpdyStream(this, streamId, headers);
    // Whoever uses the stream hears of its end; an error nobody waits for must not end the process.
    stream.on('error', () => {});
    this.#streams.set(streamId, stream);
    if (isLast) stream.receive(undefined);
    if (this.#onStream) this.#onStream(stream);
    else stream.refuse();
  }

  #replied(streamId: number, isLast: boolean): void {
    const stream = this.#streams.get(streamId);
    const opening = this.#openings.get(streamId);
    this.#openings.delete(streamId);
    if (!stream || !opening) return;
    stream.on('error', () => {});
    if (isLast) stream.receive(undefined);
    opening.resolve(stream);
  }

  #wasReset(streamId: number, status: number): void {
    const error = new Error(`the peer reset stream ${streamId} (status ${status})`);
    this.#openings.get(streamId)?.reject(error);
    const wasOpening = this.#openings.delete(streamId);
    const stream = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    // spdystream resets a stream also when it is simply done with it, after its last data.
    stream?.lost(wasOpening || stream.readableEnded || status === rstCancel ? undefined : error);
  }

  #end(error: Error): void {
    for (const { reject } of this.#openings.values()) reject(error);
    this.#openings.clear();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.lost();
  }
}
