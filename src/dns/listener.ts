// The sockets: UDP and TCP on each address.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket as TcpSocket } from 'node:net';
import type { Transport } from './respond.ts';

/** What answers a packet; undefined is no reply. */
export type Respond = (packet: Buffer, transport: Transport) => Buffer | Promise<Buffer> | undefined;

export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** A TCP client that says nothing is let go after this. */
const IDLE_MS = 10_000;
const MOST_TCP_CLIENTS = 1000;
/** Room for bursts while a sync keeps the loop busy. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** Listens until the signal aborts; resolves once all sockets are open, with the port that port 0 became. */
export async function listen(
  addresses: readonly ListenAddress[],
  respond: Respond,
  signal: AbortSignal,
): Promise<ListenAddress[]> {
  return Promise.all(
    addresses.map(async ({ address, port }) => {
      const bound = await listenTcp({ address, port }, respond, signal);
      await listenUdp({ address, port: bound }, respond, signal);
      return { address, port: bound };
    }),
  );
}

async function listenUdp({ address, port }: ListenAddress, respond: Respond, signal: AbortSignal): Promise<void> {
  const socket = address.includes(':') ? createSocket({ type: 'udp6', ipv6Only: true }) : createSocket('udp4');
  socket.on('message', (packet, remote) => {
    const reply = respond(packet, 'udp');
    if (!reply) return;
    if (Buffer.isBuffer(reply)) return send(socket, reply, remote);
    void reply.then((later) => send(socket, later, remote));
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  growReceiveBuffer(socket);
  // A reply to a client that is gone comes back as an error on this socket; the next query is none the worse.
  socket.on('error', () => {});
  signal.addEventListener('abort', () => socket.close(), { once: true });
}

function growReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER);
  } catch {
    // Above the system's limit for this user: its default does, too.
  }
}

function send(socket: Socket, reply: Buffer, remote: { address: string; port: number }): void {
  socket.send(reply, remote.port, remote.address, ignoreSendError);
}

/** The client asks again: UDP promises nothing. */
function ignoreSendError(): void {}

async function listenTcp({ address, port }: ListenAddress, respond: Respond, signal: AbortSignal): Promise<number> {
  const clients = new Set<TcpSocket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    serveTcpClient(client, respond);
  });
  server.maxConnections = MOST_TCP_CLIENTS;
  server.listen({ host: address, port, ipv6Only: true });
  await once(server, 'listening');
  signal.addEventListener(
    'abort',
    () => {
      server.close();
      for (const client of clients) client.destroy();
    },
    { once: true },
  );
  return (server.address() as { port: number }).port;
}

/** Messages with two bytes of length before each, several on one connection, answered as they are ready (RFC 7766). */
function serveTcpClient(client: TcpSocket, respond: Respond): void {
  let received: Buffer = Buffer.alloc(0);
  client.setTimeout(IDLE_MS, () => client.destroy());
  client.on('error', () => client.destroy());
  client.on('data', (data: Buffer) => {
    received = received.length === 0 ? data : Buffer.concat([received, data]);
    while (received.length >= 2) {
      const end = 2 + received.readUInt16BE(0);
      if (received.length < end) break;
      const packet = received.subarray(2, end);
      received = received.subarray(end);
      const reply = respond(packet, 'tcp');
      if (!reply) return void client.destroy();
      void Promise.resolve(reply).then((message) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length);
        if (!client.destroyed) client.write(Buffer.concat([length, message]));
      });
    }
  });
}
