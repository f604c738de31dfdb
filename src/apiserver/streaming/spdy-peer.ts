// Exec and attach over SPDY/3.1: one stream per channel, told apart by their header streamtype.

import { PassThrough } from 'node:stream';
import { table } from '../../apimachinery/table.ts';
import { drained, write } from '../../client/drained.ts';
import { SpdySession, type SpdyStream } from '../../client/spdy/session.ts';
import { channel, type Frame } from '../../client/stream-frames.ts';
import type { Clock } from '../../system/clock.ts';
import type { Upgrade } from '../request.ts';
import type { FramePeer } from './frame-peer.ts';
import { plainError } from './websocket-peer.ts';

/** In order of preference: v4 sends errors as Status, v3 knows resize, v2 half-closes. */
const remoteCommandProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
/** How long (ms) a client may take to open its streams, as upstream. */
const creationTimeout = 30_000;

export function isSpdy({ incoming }: Upgrade): boolean {
  return incoming.headers.upgrade?.toLowerCase() === 'spdy/3.1';
}

/** The first of ours that the client offers; clients that offer none get none. */
export function negotiateProtocol({ incoming }: Upgrade, protocols: readonly string[]): string | undefined {
  const offered = String(incoming.headers['x-stream-protocol-version'] ?? '').split(/, */);
  return protocols.find((protocol) => offered.includes(protocol));
}

/** Writes the 101 and gives out the connection's streams as they come. */
export function acceptSpdy(
  { socket, head }: Upgrade,
  protocol: string | undefined,
  onStream: (stream: SpdyStream) => void,
): SpdySession {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (protocol !== undefined) lines.push(`X-Stream-Protocol-Version: ${protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return new SpdySession(socket, { role: 'server', onStream });
}

const channelOf = table<number>({
  stdin: channel.stdin,
  stdout: channel.stdout,
  stderr: channel.stderr,
  error: channel.error,
  resize: channel.resize,
});

export interface SpdyPeerOptions {
  readonly upgrade: Upgrade;
  /** Which of `input`, `output`, `error`, `tty` the exec has. */
  readonly wanted: URLSearchParams;
  readonly clock: Clock;
}

/** Answers the upgrade and waits for all streams of the exec; undefined when the client does not open them in time. */
export async function acceptSpdyPeer({ upgrade, wanted, clock }: SpdyPeerOptions): Promise<FramePeer | undefined> {
  const protocol = negotiateProtocol(upgrade, remoteCommandProtocols);
  const isV3 = protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io';
  const types = ['error'];
  if (wanted.has('input')) types.push('stdin');
  if (wanted.has('output')) types.push('stdout');
  if (wanted.has('error')) types.push('stderr');
  if (wanted.has('tty') && isV3) types.push('resize');
  const streams = new Map<number, SpdyStream>();
  const complete = Promise.withResolvers<boolean>();
  const session = acceptSpdy(upgrade, protocol, (stream) => {
    const type = stream.headers.streamtype ?? '';
    const number = channelOf[type];
    if (number === undefined || streams.has(number)) return stream.refuse();
    streams.set(number, stream.accept());
    if (types.every((one) => streams.has(channelOf[one]!))) complete.resolve(true);
  });
  void session.closed.then(() => complete.resolve(false));
  const timer = clock.after(creationTimeout, () => complete.resolve(false));
  const isComplete = await complete.promise;
  timer.cancel();
  if (isComplete) return new SpdyPeer(session, streams, protocol ?? '');
  session.destroy();
  return undefined;
}

class SpdyPeer implements FramePeer {
  readonly #session: SpdySession;
  readonly #streams: ReadonlyMap<number, SpdyStream>;
  readonly #isPlainError: boolean;
  /** Frames on their way to the kubelet; what does not fit holds the streams back. */
  readonly #incoming = new PassThrough({ objectMode: true, highWaterMark: 16 });

  constructor(session: SpdySession, streams: ReadonlyMap<number, SpdyStream>, protocol: string) {
    this.#session = session;
    this.#streams = streams;
    this.#isPlainError = protocol !== 'v4.channel.k8s.io';
    void session.closed.then(() => this.#incoming.end());
    for (const number of [channel.stdin, channel.resize]) void this.#forward(number).catch(() => {});
  }

  get frames(): AsyncIterable<Frame> {
    return this.#incoming;
  }

  async #forward(number: number): Promise<void> {
    const stream = this.#streams.get(number);
    if (!stream) return;
    const put = async (frame: Frame) => {
      if (this.#incoming.writable && !this.#incoming.write(frame)) await drained(this.#incoming);
    };
    stream.on('end', () => {});
    for await (const data of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      await put({ channel: number, data });
    }
    if (number === channel.stdin) await put({ channel: channel.close, data: Uint8Array.of(number) });
  }

  async send({ channel: number, data }: Frame): Promise<void> {
    if (number === channel.close) {
      this.#streams.get(data[0] ?? -1)?.end();
      return;
    }
    const stream = this.#streams.get(number);
    const bytes = number === channel.error && this.#isPlainError ? plainError(data) : data;
    if (stream && bytes !== undefined && bytes.length > 0) await write(stream, bytes);
  }

  close(): void {
    for (const stream of this.#streams.values()) if (stream.writable) stream.end();
    this.#session.close();
  }
}
