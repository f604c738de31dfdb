import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import { answerHalfClosed, http } from './http.ts';

test('who has nothing more to say is answered, however long that takes', async () => {
  const server = http.createServer(async (request, response) => {
    if (!request.socket.readableEnded) await once(request.socket, 'end');
    response.end('after its end');
  });
  answerHalfClosed(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.end('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/after its end$/);
  server.close();
});
