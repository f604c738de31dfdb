// A DNS server that says what it is told to, and remembers what it was asked.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { decodeMessage } from '../wire/decode.ts';
import { encodeMessage } from '../wire/encode.ts';
import { frame, MessageReader } from '../wire/frames.ts';
import { type Edns, type Message, type Question, RCODE } from '../wire/message.ts';

export interface Asked {
  readonly question: Question;
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly id: number;
  readonly port: number;
  readonly edns: Edns | undefined;
}

/** The parts of a reply that differ from an empty one, or its bytes. */
type Reply = Partial<Message> | Buffer;

/** One reply or several; undefined is silence. */
export type Say = (asked: Asked) => Reply | readonly Reply[] | undefined;

export interface UpstreamServer {
  readonly port: number;
  /** With TLS, where that is spoken. */
  readonly tlsPort: number;
  readonly asked: Asked[];
  close(): Promise<void>;
}

export interface UpstreamServerOptions {
  readonly say: Say;
  readonly address?: string;
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Listens until closed. */
export async function startUpstream(options: UpstreamServerOptions): Promise<UpstreamServer> {
  const { say, address = '127.0.0.1', port: wanted = 0, tls } = options;
  const asked: Asked[] = [];
  const repliesTo = (packet: Buffer, transport: Asked['transport'], port: number): Buffer[] => {
    const query = decodeMessage(packet);
    if (!query.question) return [];
    const one = { question: query.question, transport, id: query.id, port, edns: query.edns };
    asked.push(one);
    const reply = { ...query, response: true, recursionAvailable: true, rcode: RCODE.NOERROR };
    return [say(one) ?? []]
      .flat()
      .map((parts) => (Buffer.isBuffer(parts) ? parts : encodeMessage({ ...reply, ...parts })));
  };
  const sockets = new Set<TcpSocket>();
  const serve = (transport: 'tcp' | 'tls') => (socket: TcpSocket) => {
    const reader = new MessageReader();
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (data: Buffer) => {
      for (const packet of reader.take(data)) {
        for (const reply of repliesTo(packet, transport, socket.remotePort ?? 0)) socket.write(frame(reply));
      }
    });
  };
  const tcp = createServer(serve('tcp'));
  const port = await listening(tcp, wanted, address);
  const udp = createSocket('udp4');
  udp.on('message', (packet, remote) => {
    for (const reply of repliesTo(packet, 'udp', remote.port)) udp.send(reply, remote.port, remote.address);
  });
  udp.bind(port, address);
  await once(udp, 'listening');
  const secure = tls && createTlsServer(tls, serve('tls'));
  const tlsPort = secure ? await listening(secure, 0, address) : 0;
  return {
    port,
    tlsPort,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([closed(udp), closed(tcp), secure && closed(secure)]);
    },
  };
}

async function listening(server: Server, port: number, address: string): Promise<number> {
  server.listen(port, address);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

async function closed(server: Server | Socket): Promise<void> {
  server.close();
  await once(server, 'close');
}
