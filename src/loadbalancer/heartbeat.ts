// The UDP socket over which agents tell each other that they are alive.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** The number that cloud controllers, who do this elsewhere, have for TCP. */
const heartbeatPort = 10258;

export interface HeartbeatSocket {
  /** Sends and forgets: what is lost is followed by the next. */
  send(packet: string, to: readonly string[]): void;
  close(): void;
}

/** Opens the socket on the node's own address; rejects when it cannot listen there. */
export async function openHeartbeatSocket(
  address: string,
  heard: (packet: string, from: string) => void,
): Promise<HeartbeatSocket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (packet, { address: from }) => heard(packet.toString(), from));
  socket.bind(heartbeatPort, address);
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  // That a node is not there comes back as an error; its silence tells the same.
  socket.on('error', () => {});
  return {
    send(packet, to) {
      for (const peer of to) socket.send(packet, heartbeatPort, peer, () => {});
    },
    close: () => socket.close(),
  };
}
