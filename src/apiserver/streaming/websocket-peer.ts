// Exec and attach over WebSocket: one message per frame, its first byte the channel (subprotocols *.channel.k8s.io).
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Status } from '../../apimachinery/meta/v1.generated.ts';
import { channel, type Frame } from '../../client/stream-frames.ts';
import type { Upgrade } from '../request.ts';
import type { FramePeer } from './frame-peer.ts';

/** In order of preference. v5 can close stdin; before v4 errors are plain text. */
export const channelProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const;

/** Whether a request asks for a WebSocket. */
export function isWebSocket({ incoming }: Upgrade): boolean {
  return incoming.headers.upgrade?.toLowerCase() === 'websocket';
}

export interface AcceptedWebSocket {
  readonly webSocket: WebSocket;
  /** The subprotocol that was agreed on; empty for none. */
  readonly protocol: string;
  /** Its messages, one per chunk; it holds the client back while nobody reads. */
  readonly stream: Duplex;
  /** The connection below. */
  readonly raw: Duplex;
}

/**
 * Answers the upgrade; the protocol is the first of ours that the client offers, or none. Rejects where the client has gone, or asks
 * for what is no WebSocket, of which the library tells nobody else.
 */
export async function acceptWebSocket(
  { incoming, socket, head }: Upgrade,
  protocols: readonly string[],
): Promise<AcceptedWebSocket> {
  const { createWebSocketStream, WebSocketServer } = await import('ws');
  const offered = (incoming.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
  const protocol = protocols.find((one) => offered.includes(one)) ?? '';
  // `SPDY/3.1+portforward.k8s.io` is no token (RFC 9110), which the library insists on: it is agreed on past it.
  delete incoming.headers['sec-websocket-protocol'];
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  if (protocol !== '') server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve, reject) => {
    const refuse = () => reject(new Error('the connection was closed before it was a WebSocket'));
    if (socket.closed) refuse();
    socket.once('close', refuse);
    server.handleUpgrade(incoming, socket, head, (webSocket) => {
      // At once, or the first messages would find no listener.
      const stream = createWebSocketStream(webSocket, { readableObjectMode: true });
      stream.on('error', () => {});
      resolve({ webSocket, protocol, stream, raw: socket });
    });
  });
}

export class WebSocketPeer implements FramePeer {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #protocol: string;
  readonly #isBase64: boolean;
  readonly #isPlainError: boolean;
  #sent = Promise.resolve();

  constructor({ webSocket, protocol, stream }: AcceptedWebSocket) {
    this.#socket = webSocket;
    this.#stream = stream;
    this.#protocol = protocol;
    this.#isBase64 = protocol.includes('base64');
    this.#isPlainError = !/^v[45]\./.test(protocol);
  }

  get frames(): AsyncIterable<Frame> {
    return this.#read();
  }

  async *#read(): AsyncIterable<Frame> {
    try {
      for await (const message of this.#stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer | string>) {
        const frame = this.#decode(Buffer.from(message as Buffer));
        if (frame) yield frame;
      }
    } catch {
      // The client is gone; how does not matter.
    }
  }

  #decode(message: Buffer): Frame | undefined {
    const first = message[0];
    if (first === undefined) return undefined;
    if (!this.#isBase64) return { channel: first, data: message.subarray(1) };
    return { channel: first - 0x30, data: Buffer.from(message.toString('latin1', 1), 'base64') };
  }

  /**
   * Each message is a TLS record of its own, as upstream's are: clients that poll the socket below TLS (Python's) do not see
   * a message that came along with another.
   */
  send(frame: Frame): Promise<void> {
    const message = this.#encode(frame);
    if (message === undefined) return this.#sent;
    this.#sent = this.#sent.then(() => this.#write(message));
    return this.#sent;
  }

  /** Undefined for what the protocol has no message for. */
  #encode({ channel: number, data }: Frame): string | Buffer | undefined {
    // Older protocols do not know the close of a channel.
    if (number === channel.close && this.#protocol !== 'v5.channel.k8s.io') return undefined;
    const bytes = number === channel.error && this.#isPlainError ? plainError(data) : data;
    if (bytes === undefined) return undefined;
    return this.#isBase64
      ? `${number}${Buffer.from(bytes).toString('base64')}`
      : Buffer.concat([Buffer.of(number), bytes]);
  }

  #write(message: string | Buffer): Promise<void> | void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    return new Promise((resolve) => this.#socket.send(message, () => resolve()));
  }

  /** After all that was sent. */
  close(): void {
    void this.#sent.then(() => this.#socket.close(1000));
  }
}

/** A Status as the text that older clients expect: nothing for success. */
export function plainError(data: Uint8Array): Uint8Array | undefined {
  const status = JSON.parse(Buffer.from(data).toString()) as Status;
  return status.status === 'Success' ? undefined : Buffer.from(status.message ?? 'error');
}
