import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { parseAuthority, runTunnel, type TunnelHandler } from '../../client/tunnel.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { isHijack, type User } from '../request.ts';
import { mayServeNode, tunnelPath } from './tunnel-path.ts';
import { TunnelRegistry } from './tunnel-registry.ts';

const node1: User = { name: 'system:node:node-1', groups: ['system:nodes'] };
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

/** A plain HTTP listener in place of the API server's, which knows every caller as node-1. */
async function listen(tunnels: TunnelRegistry): Promise<Server> {
  const path = tunnelPath(tunnels);
  const server = createServer();
  server.on('upgrade', async (incoming, socket, head) => {
    const upgrade = { incoming, socket, head };
    const request = {
      method: 'POST',
      path: incoming.url!,
      query: new URLSearchParams(),
      headers: {},
      body: async () => new Uint8Array(),
      signal: new AbortController().signal,
      upgrade,
    };
    const response = await path.handle(request, node1);
    if (isHijack(response.body)) response.body.hijack(upgrade);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  return server;
}

async function start(handler: TunnelHandler, tunnels = new TunnelRegistry(new FakeClock())) {
  const server = await listen(tunnels);
  const stop = new AbortController();
  const states: (string | undefined)[] = [];
  const clock = new FakeClock();
  const done = runTunnel(
    {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ca: '',
      credentials: () => ({ certPem: '', keyPem: '' }),
      nodeName: 'node-1',
      handler,
      clock,
      random: new FakeRandom(),
      onState: (lost) => states.push(lost?.message),
    },
    stop.signal,
  );
  cleanup.push(() => {
    stop.abort();
    return done;
  });
  return { tunnels, states, clock, stop, done };
}

const echo: TunnelHandler = (request, response) => {
  response.writeHead(200, { 'x-path': request.url, 'x-method': request.method });
  request.pipe(response);
};

test('who answers only after the whole body gets it', async () => {
  const { tunnels } = await start(async (request, response) => {
    const body = await text(request);
    response.writeHead(200, {});
    response.end(`${request.method}: ${body}`);
  });
  for (const method of ['POST', 'DELETE']) {
    const body = Readable.from([Buffer.from('one '), Buffer.from('two')]);
    const { stream } = await tunnels.request('node-1', { method, path: '/', body });
    expect(await text(stream)).toBe(`${method}: one two`);
  }
});

test('a request goes through, with its body both ways', async () => {
  const { tunnels } = await start(echo);
  const { status, headers, stream } = await tunnels.request('node-1', { method: 'POST', path: '/exec/a?b=c' });
  expect([status, headers['x-path'], headers['x-method']]).toEqual([200, '/exec/a?b=c', 'POST']);
  stream.write('one ');
  stream.end('two');
  expect(await text(stream)).toBe('one two');
  expect(tunnels.nodeNames).toEqual(['node-1']);
});

test('many requests share the connection', async () => {
  const { tunnels } = await start(echo);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => tunnels.request('node-1', { method: 'GET', path: `/${i}` })),
  );
  expect(answers.map((a) => a.headers['x-path'])).toEqual(Array.from({ length: 50 }, (_, i) => `/${i}`));
});

test('a handler that throws answers 500', async () => {
  const { tunnels } = await start(() => {
    throw new Error('no such container');
  });
  const { status, stream } = await tunnels.request('node-1', { method: 'GET', path: '/' });
  expect([status, await text(stream)]).toEqual([500, 'no such container']);
});

test('CONNECT is a TCP connection from the node, half-close included', async () => {
  const { tunnels } = await start(echo);
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    const chunks: (string | Buffer)[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.end(`got ${chunks.join('')}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stream = await tunnels.dial('node-1', '127.0.0.1', port);
  stream.end('hello');
  expect(await text(stream)).toBe('got hello');
  await new Promise((resolve) => server.close(resolve));
  await expect(tunnels.dial('node-1', '127.0.0.1', port)).rejects.toThrow(
    `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  );
});

test('a request waits for an agent that is not connected, but not for ever', async () => {
  const clock = new FakeClock();
  const tunnels = new TunnelRegistry(clock);
  const lost = tunnels.request('node-1', { method: 'GET', path: '/' });
  clock.advance(3_000);
  await expect(lost).rejects.toThrow('node node-1 is not reachable: its agent is not connected');
  const early = tunnels.request('node-1', { method: 'GET', path: '/early' });
  await start(echo, tunnels);
  expect((await early).headers['x-path']).toBe('/early');
});

test('an agent that is refused says so and tries again', async () => {
  const server = createServer((_, response) => response.writeHead(403).end());
  server.on('upgrade', (_, socket) =>
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  const stop = new AbortController();
  const lost = await new Promise<Error | undefined>((resolve) => {
    const options = {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ca: '',
      credentials: () => ({ certPem: '', keyPem: '' }),
      nodeName: 'node-1',
      handler: echo,
      clock: new FakeClock(),
      random: new FakeRandom(),
      onState: resolve,
    };
    const done = runTunnel(options, stop.signal);
    cleanup.push(() => {
      stop.abort();
      return done;
    });
  });
  expect(lost?.message).toBe('the API server refused the tunnel: 403 Forbidden');
});

test.each([
  [node1, 'node-1', true],
  [node1, 'node-2', false],
  [{ name: 'system:node:node-1', groups: [] }, 'node-1', false],
  [{ name: 'kubernetes-admin', groups: ['system:masters'] }, 'node-1', true],
  [undefined, 'node-1', false],
])('who may serve a node: %j %s', (user, nodeName, allowed) => {
  expect(mayServeNode(user, nodeName)).toBe(allowed);
});

test.each([
  ['10.0.0.1:80', { host: '10.0.0.1', port: 80 }],
  ['[fd00::1]:443', { host: 'fd00::1', port: 443 }],
  ['10.0.0.1:0', undefined],
  ['10.0.0.1', undefined],
])('authority %s', (authority, expected) => {
  expect(parseAuthority(authority)).toEqual(expected);
});
