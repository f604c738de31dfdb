import dns from 'node:dns';
import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { GrpcClient, grpcCode } from './client.ts';
import { message, string } from './codec.ts';

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

describe('what a server says that nobody can read is the failure of its call alone', () => {
  /** What a call of a server gets that answers so. */
  async function answeredBy(answer: (stream: ServerHttp2Stream) => void): Promise<unknown> {
    const server = createHttp2Server().on('stream', answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = new GrpcClient({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    const response = message({ name: string(1) });
    const asked = client.unary({ ...method, response }, undefined).catch((error: unknown) => error);
    const answered = await asked;
    client.close();
    server.close();
    return answered;
  }

  test('a message that is cut off', async () => {
    const cutOff = Buffer.from([0, 0, 0, 0, 2, 0x0a, 9]);
    const answered = await answeredBy((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.on('error', () => {}).end(cutOff);
    });
    const why = 'grpc: failed to unmarshal the received message: protobuf: truncated field';
    expect(answered).toMatchObject({ code: grpcCode.internal, message: why });
  });

  test.each([
    ['50%25 of it', '50% of it'],
    ['%C3%A4%e2%82%ac', 'ä€'],
    ['100% sure', '100% sure'],
    ['%zz%4', '%zz%4'],
    ['%ff', '\ufffd'],
  ])('the words %s', async (sent, read) => {
    const answered = await answeredBy((stream) => {
      const headers = { 'content-type': 'application/grpc', 'grpc-status': '13', 'grpc-message': sent };
      stream.respond({ ':status': 200, ...headers }, { endStream: true });
    });
    expect(answered).toMatchObject({ code: grpcCode.internal, message: read });
  });
});
