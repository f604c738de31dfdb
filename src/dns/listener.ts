// The sockets: UDP and TCP on each address.
import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Client } from './respond.ts';
import { TcpClients } from './tcp-clients.ts';

/** What answers a packet; undefined is no reply. Neither throws nor rejects. */
export type Respond = (packet: Buffer, client: Client) => Buffer | Promise<Buffer> | undefined;

export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

export interface ListenOptions {
  readonly addresses: readonly ListenAddress[];
  readonly respond: Respond;
  /** Lets other processes listen on the same addresses; the kernel spreads clients over them (SO_REUSEPORT). */
  readonly shared?: boolean;
}

/** Room for bursts while a sync keeps the loop busy. */
const receiveBuffer = 4 * 1024 * 1024;

/** Listens until the signal aborts; resolves once all sockets are open, with the port that port 0 became. */
export async function listen(options: ListenOptions, signal: AbortSignal): Promise<ListenAddress[]> {
  return Promise.all(
    options.addresses.map(async ({ address, port }) => {
      const bound = await listenTcp({ address, port }, options, signal);
      await listenUdp({ address, port: bound }, options, signal);
      return { address, port: bound };
    }),
  );
}

async function listenUdp(
  { address, port }: ListenAddress,
  { respond, shared = false }: ListenOptions,
  signal: AbortSignal,
): Promise<void> {
  const ipv6 = address.includes(':');
  const type = ipv6 ? 'udp6' : 'udp4';
  const socket = createSocket({ type, ...(ipv6 && { ipv6Only: true }), reusePort: shared, lookup: asItIs });
  socket.on('message', (packet, remote) => {
    // Nobody can be answered at port 0; a forger may claim to be there.
    if (remote.port === 0) return;
    const reply = respond(packet, { transport: 'udp', address: remote.address });
    if (!reply) return;
    if (Buffer.isBuffer(reply)) return send(socket, reply, remote);
    void reply.then((later) => send(socket, later, remote));
  });
  const listening = once(socket, 'listening');
  socket.bind(port, address);
  await listening;
  growReceiveBuffer(socket);
  // A reply to a client that is gone comes back as an error on this socket; the next query is none the worse.
  socket.on('error', () => {});
  signal.addEventListener('abort', () => socket.close(), { once: true });
}

function growReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBuffer);
  } catch {
    // Above the system's limit for this user: its default does, too.
  }
}

function send(socket: Socket, reply: Buffer, remote: RemoteInfo): void {
  try {
    socket.send(reply, remote.port, remote.address);
  } catch {
    // The socket was closed while an upstream was asked.
  }
}

/** Addresses of clients are no names: what Node.js does with either costs a turn of its queue for each reply. */
const asItIs: NonNullable<SocketOptions['lookup']> = (address, _, callback) => {
  callback(null, address, address.includes(':') ? 6 : 4);
};

async function listenTcp(
  { address, port }: ListenAddress,
  { respond, shared = false }: ListenOptions,
  signal: AbortSignal,
): Promise<number> {
  const clients = new TcpClients(respond);
  // Half open, so that a client that has asked all it wants still gets the replies (RFC 7766, 6.2.4).
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => clients.add(socket));
  server.listen({ host: address, port, ipv6Only: true, reusePort: shared });
  await once(server, 'listening');
  // What fails from here on is one connection (too many open files), not the server.
  server.on('error', () => {});
  signal.addEventListener(
    'abort',
    () => {
      server.close();
      clients.close();
    },
    { once: true },
  );
  return (server.address() as { port: number }).port;
}
