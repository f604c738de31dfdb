// A socket as nothing but a Duplex. HTTP/2 takes a socket's native handle over and reads below it, which goes wrong on a
// connection that was upgraded from HTTP/1.1 over TLS: a write that ends late aborts the process (Node.js 26), and bytes
// that the socket has read already are lost. Over this it uses the public way.
import { Duplex } from 'node:stream';

export function plainDuplex(socket: Duplex): Duplex {
  const plain = new Duplex({
    allowHalfOpen: false,
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, callback) {
      if (socket.writable) socket.write(chunk, (error) => callback(error));
      else callback(new Error('the connection is closed'));
    },
    final(callback) {
      socket.end(callback);
    },
    destroy(error, callback) {
      socket.destroy();
      callback(error);
    },
  });
  socket.pause();
  socket.on('data', (chunk: Buffer) => {
    if (!plain.push(chunk)) socket.pause();
  });
  socket.once('end', () => plain.push(null));
  socket.on('error', (error) => plain.destroy(error));
  socket.once('close', () => plain.destroy());
  return plain;
}
