// The limit: a UDP socket of Node.js that sends each packet back as a reply, looking at nothing.
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (packet, remote) => {
  const reply = Buffer.allocUnsafe(packet.length);
  packet.copy(reply);
  reply[2]! |= 0x80;
  socket.send(reply, remote.port, remote.address);
});
socket.bind(0, '127.0.0.1', () => process.send?.(socket.address().port));
