// Probes against servers that really listen, on the loopback; what they say is upstream's.
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcp, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Container, Probe } from '../../api/core/v1/types.generated.ts';
import { GrpcError, grpcCode } from '../../grpc/client.ts';
import { int, message, string } from '../../grpc/codec.ts';
import { realClock } from '../../system/real/clock.ts';
import type { Cri, ExecSyncResult } from '../cri/client.ts';
import { runProbe } from './probe.ts';

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((closed) => server.close(closed));
});

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

function probe(
  probe: Probe,
  { container = {}, exec }: { container?: Partial<Container>; exec?: Cri['execSync'] } = {},
) {
  const cri = { execSync: exec ?? (() => Promise.reject(new Error('no exec'))) } as unknown as Cri;
  const target = {
    cri,
    clock: realClock,
    containerId: 'c',
    container: { name: 'c', ...container },
    podIP: '127.0.0.1',
  };
  return runProbe(probe, target, 20);
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const port = await listen(createTcp());
  await new Promise((closed) => open.pop()?.close(closed));
  return port;
}

describe('HTTP', () => {
  // As in upstream's pkg/probe/http/http_test.go.
  test.each<[string, readonly [string, string][], object]>([
    ['none', [], { 'user-agent': ['kube-probe/1.36'], accept: ['*/*'] }],
    [
      'two of a name',
      [
        ['X-A', '1'],
        ['x-a', '2'],
      ],
      { 'x-a': ['1', '2'] },
    ],
    [
      'its own',
      [
        ['user-agent', 'foo/1.0'],
        ['ACCEPT', 'text/html'],
      ],
      { 'user-agent': ['foo/1.0'], accept: ['text/html'] },
    ],
    [
      'empty',
      [
        ['User-Agent', ''],
        ['Accept', ''],
      ],
      { 'user-agent': undefined, accept: undefined },
    ],
    ['a host', [['Host', 'example.com']], { host: ['example.com'] }],
  ])('headers: %s', async (_, given, expected) => {
    let seen: object = {};
    const server = createHttp((request, response) => {
      const { 'user-agent': agent, accept, host, 'x-a': own } = request.headersDistinct;
      seen = { 'user-agent': agent, accept, host, 'x-a': own };
      response.end();
    });
    const port = await listen(server);
    const httpHeaders = given.map(([name, value]) => ({ name, value }));
    expect(await probe({ httpGet: { port, httpHeaders } })).toEqual({ success: true, message: '' });
    expect(seen).toMatchObject(expected);
  });

  test('by status, with the probe’s own headers and the port by its name', async () => {
    const seen: string[] = [];
    const server = createHttp((request, response) => {
      seen.push(`${request.url} ${request.headers['user-agent']} ${request.headers['x-a']}`);
      response.writeHead(request.url === '/bad' ? 500 : 200).end();
    });
    const port = await listen(server);
    const container = { ports: [{ name: 'web', containerPort: port }] };
    const httpGet = { path: 'good', port: 'web', httpHeaders: [{ name: 'X-A', value: 'b' }] };
    expect(await probe({ httpGet }, { container })).toEqual({ success: true, message: '' });
    expect(await probe({ httpGet: { path: '/bad', port } })).toEqual({
      success: false,
      message: 'HTTP probe failed with statuscode: 500',
    });
    expect(seen[0]).toBe('/good kube-probe/1.36 b');
  });

  test('of an answer without an end no more is read than is wanted', async () => {
    const closed = Promise.withResolvers<void>();
    const server = createHttp((_, response) => {
      response.on('close', closed.resolve);
      const part = 'x'.repeat(4096);
      const more = () => {
        while (!response.destroyed && response.write(part));
      };
      response.on('drain', more);
      response.writeHead(500);
      more();
    });
    const port = await listen(server);
    expect(await probe({ httpGet: { port } })).toEqual({
      success: false,
      message: 'HTTP probe failed with statuscode: 500',
    });
    await closed.promise;
  });

  test('a redirect is followed on its host only', async () => {
    const server = createHttp(({ url = '' }, response) => {
      const to: Readonly<Record<string, string>> = { '/on': '/bad', '/away': 'http://elsewhere/', '/round': '/round' };
      const location = to[url];
      if (location !== undefined) response.writeHead(302, { location }).end('moved');
      else response.writeHead(url === '/bad' ? 500 : 304).end();
    });
    const port = await listen(server);
    const get = (path: string) => probe({ httpGet: { path, port } });
    expect(await get('/on')).toEqual({ success: false, message: 'HTTP probe failed with statuscode: 500' });
    const message = 'Probe terminated redirects, Response body: ';
    expect(await get('/away')).toEqual({ success: true, isWarning: true, message: `${message}moved` });
    expect(await get('/other')).toEqual({ success: true, isWarning: true, message });
    expect((await get('/round')).message).toBe(`Get "http://127.0.0.1:${port}/round": stopped after 10 redirects`);
  });

  test('HTTPS of who speaks plain HTTP', async () => {
    const port = await listen(createHttp((_, response) => void response.end()));
    expect((await probe({ httpGet: { path: '/', port, scheme: 'HTTPS' } })).message).toBe(
      `Get "https://127.0.0.1:${port}/": http: server gave HTTP response to HTTPS client`,
    );
  });

  test('nobody listens, or there is no such port', async () => {
    const port = await closedPort();
    expect((await probe({ httpGet: { path: '/', port } })).message).toBe(
      `Get "http://127.0.0.1:${port}/": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    );
    const unknown = { success: false, isUnknown: true };
    const message = 'strconv.Atoi: parsing "none": invalid syntax';
    expect(await probe({ httpGet: { port: 'none' } })).toEqual({ ...unknown, message });
    expect(await probe({ tcpSocket: { port: 'none' } })).toEqual({ ...unknown, message });
    expect(await probe({ tcpSocket: { port: '70000' } })).toEqual({
      ...unknown,
      message: 'invalid port number: 70000',
    });
  });
});

test('TCP', async () => {
  const port = await listen(createTcp((socket) => socket.end()));
  expect(await probe({ tcpSocket: { port } })).toEqual({ success: true, message: '' });
  const closed = await closedPort();
  expect((await probe({ tcpSocket: { port: closed } })).message).toBe(
    `dial tcp 127.0.0.1:${closed}: connect: connection refused`,
  );
});

describe('exec', () => {
  const answer = (result: Partial<ExecSyncResult>) => async () => ({ stdout: '', stderr: '', exitCode: 0, ...result });
  const command = ['check', 'it'];

  test('by exit code, with what it printed', async () => {
    expect((await probe({ exec: { command } }, { exec: answer({}) })).success).toBe(true);
    const failed = await probe({ exec: { command } }, { exec: answer({ exitCode: 1, stdout: 'a', stderr: 'b' }) });
    expect(failed).toEqual({ success: false, message: 'ab' });
  });

  test('when the runtime cannot say, nothing is known', async () => {
    const exec = () => Promise.reject(new GrpcError(grpcCode.notFound, 'no container'));
    const message = 'rpc error: code = NotFound desc = no container';
    expect(await probe({ exec: { command } }, { exec })).toEqual({ success: false, isUnknown: true, message });
  });

  test('too slow', async () => {
    const exec = () => Promise.reject(new GrpcError(grpcCode.deadlineExceeded, 'late'));
    expect((await probe({ exec: { command } }, { exec })).message).toBe(
      'command timed out: "check it" timed out after 20s',
    );
  });
});

describe('gRPC', () => {
  const statuses: Readonly<Record<string, number>> = { '': 1, db: 2 };
  const refusals: Readonly<Record<string, number>> = { absent: 5, protocol: 12, inner: 13 };
  const [request, response] = [message({ service: string(1) }), message({ status: int(1) })];

  /** A health server as grpc.health.v1 has it. */
  function healthServer(): Server {
    const server = createHttp2();
    server.on('stream', (stream: ServerHttp2Stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { service } = request.decode(Buffer.concat(chunks).subarray(5));
        const refusal = refusals[service];
        if (refusal !== undefined) {
          const trailers = { 'grpc-status': String(refusal), 'grpc-message': `no ${service}` };
          stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
          return;
        }
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        const body = Buffer.from(response.encode({ status: statuses[service] ?? 3 }));
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(body.length, 1);
        stream.end(Buffer.concat([prefix, body]));
      });
    });
    return server as unknown as Server;
  }

  test('by what the health service says', async () => {
    const port = await listen(healthServer());
    expect(await probe({ grpc: { port } })).toEqual({ success: true, message: '' });
    expect(await probe({ grpc: { port, service: 'db' } })).toEqual({
      success: false,
      message: 'service unhealthy (responded with "NOT_SERVING")',
    });
  });

  test.each([
    ['absent', 'error: health rpc probe failed: rpc error: code = NotFound desc = no absent'],
    ['inner', 'error: health rpc probe failed: rpc error: code = Internal desc = no inner'],
    ['protocol', 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health): no protocol'],
  ])('the call for the service %s fails', async (service, message) => {
    const port = await listen(healthServer());
    expect(await probe({ grpc: { port, service } })).toEqual({ success: false, message });
  });

  test('nobody listens', async () => {
    const port = await closedPort();
    expect((await probe({ grpc: { port } })).message).toBe(
      `timeout: failed to connect service "127.0.0.1:${port}" within 20s: context deadline exceeded`,
    );
  });
});
