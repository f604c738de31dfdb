import dns from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { GrpcClient, grpcCode } from './client.ts';

afterEach(() => void vi.restoreAllMocks());

const method = { path: '/service/Method', request: { write() {} }, response: { decode: () => undefined } };

test('a connection that comes about after its call was given up ends, and nothing else does', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // What a name server or a network does that answers late.
  const found = Promise.withResolvers<void>();
  vi.spyOn(dns, 'lookup').mockImplementation(((
    _name: string,
    _options: object,
    done: (...found: unknown[]) => void,
  ) => {
    void found.promise.then(() => done(null, [{ address: '127.0.0.1', family: 4 }]));
  }) as typeof dns.lookup);
  const client = new GrpcClient({ host: 'late.example', port: (server.address() as AddressInfo).port });
  await expect(client.unary(method, undefined, { timeout: 1 })).rejects.toMatchObject({
    code: grpcCode.deadlineExceeded,
    neverBegan: true,
  });
  const connected = once(server, 'connection');
  found.resolve();
  const [socket] = (await connected) as [Socket];
  socket.on('error', () => {}).resume();
  await once(socket, 'close');
  client.close();
  server.close();
});
