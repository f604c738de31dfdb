// Port forwarding in the channels of one WebSocket (`*.channel.k8s.io`), as clients do that know no SPDY: for the n-th of
// the query's `ports`, channel 2n carries data and 2n+1 why it failed; both begin with the port, two bytes little-endian.
import { Duplex } from 'node:stream';
import { badRequest } from '../../apimachinery/status.ts';
import type { AcceptedWebSocket } from './websocket-peer.ts';
import { WebSocketPeer } from './websocket-peer.ts';

/** v5's close of a channel is for standard input only; WebSocketPeer knows errors as a Status before v4. */
export const portForwardProtocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const;

export interface ForwardedPort {
  readonly port: string;
  readonly data: Duplex;
  readonly error: Duplex;
}

/** The ports of the query; throws 400 where kubelets do. */
export function portsOf(query: URLSearchParams): string[] {
  const ports = query.getAll('ports').flatMap((text) => text.split(','));
  if (ports.length === 0) throw badRequest('query parameter "ports" is required');
  for (const port of ports) {
    const isPort = /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) <= 65_535;
    if (!isPort) throw badRequest(`query parameter "ports" is invalid: ${JSON.stringify(port)}`);
  }
  return ports;
}

/** Calls `forward` for each port; the WebSocket is closed when all of them are over. */
export async function forwardChannels(
  accepted: AcceptedWebSocket,
  ports: readonly string[],
  forward: (port: ForwardedPort) => Promise<void>,
): Promise<void> {
  const peer = new WebSocketPeer(accepted);
  const channels: Channel[] = [];
  const forwarded = ports.map(async (port) => {
    const [data, error] = [new Channel(peer, channels.length), new Channel(peer, channels.length + 1)];
    channels.push(data, error);
    const number = Buffer.from(Uint16Array.of(Number(port)).buffer);
    data.write(number);
    error.write(number);
    await forward({ port, data, error });
  });
  void receive(peer, channels);
  await Promise.all(forwarded);
  peer.close();
}

async function receive(peer: WebSocketPeer, channels: readonly Channel[]): Promise<void> {
  for await (const { channel, data } of peer.frames) await channels[channel]?.deliver(data);
  // The client is gone.
  for (const channel of channels) channel.destroy();
}

/** One channel as a stream of bytes. */
class Channel extends Duplex {
  readonly #peer: WebSocketPeer;
  readonly #number: number;
  #wanted = Promise.withResolvers<void>();

  constructor(peer: WebSocketPeer, number: number) {
    super();
    this.#peer = peer;
    this.#number = number;
    this.on('error', () => {});
  }

  /** Resolves when there is room for more. */
  async deliver(data: Uint8Array): Promise<void> {
    if (this.destroyed || this.push(data)) return;
    this.#wanted = Promise.withResolvers();
    await this.#wanted.promise;
  }

  override _read(): void {
    this.#wanted.resolve();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#peer.send({ channel: this.#number, data: chunk }).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wanted.resolve();
    done(error);
  }
}
