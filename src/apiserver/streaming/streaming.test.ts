import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { duplexPair } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { KubeObject } from '../../apimachinery/object.ts';
import { StatusError } from '../../apimachinery/status.ts';
import { connectSpdy } from '../../client/spdy/connect.ts';
import type { SpdySession } from '../../client/spdy/session.ts';
import { channel, encodeClose, encodeFrame, FrameDecoder } from '../../client/stream-frames.ts';
import { runTunnel, type TunnelHandler } from '../../client/tunnel.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { FixedObjectView } from '../fake/object-view.ts';
import { type ApiRequest, isHijack, type User } from '../request.ts';
import { parseRequestInfo } from '../request-info.ts';
import { NodeLinks } from '../tunnel/node-links.ts';
import { tunnelPath } from '../tunnel/tunnel-path.ts';
import { TunnelRegistry } from '../tunnel/tunnel-registry.ts';
import { connectHandlers } from './connect-handlers.ts';

const admin: User = { name: 'admin', groups: ['system:masters'] };
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

const send = (number: number, data: string) => encodeFrame({ channel: number, data: Buffer.from(data) });
const exitStatus = JSON.stringify({
  status: 'Failure',
  reason: 'NonZeroExitCode',
  message: 'command terminated with non-zero exit code: exit 3',
  details: { causes: [{ reason: 'ExitCode', message: '3' }] },
});

/** Told of each `waits` that the kubelet need not run any more. */
let ended = Promise.withResolvers<void>();

/** A kubelet whose `cat` echoes its stdin, whose `false` fails with 3, and whose pods answer on every port. */
const kubelet: TunnelHandler = async (request, response) => {
  const url = new URL(request.url, 'http://kubelet');
  if (url.pathname.endsWith('/missing')) {
    response.writeHead(404).end('container not found ("missing")');
    return;
  }
  response.writeHead(200);
  if (url.pathname.startsWith('/containerLogs/')) {
    response.end(`log of ${request.url}`);
    return;
  }
  if (url.searchParams.get('command') === 'false') {
    response.end(Buffer.concat([send(channel.stdout, 'out'), send(channel.error, exitStatus)]));
    return;
  }
  if (url.searchParams.get('command') === 'dies') {
    setImmediate(() => response.stream.session?.destroy());
    return;
  }
  if (url.searchParams.get('command') === 'waits') {
    response.stream.once('close', ended.resolve);
    response.write(send(channel.stdout, ''));
    return;
  }
  const isForward = url.pathname.startsWith('/portForward/');
  if (url.searchParams.get('port') === '81') {
    response.end(send(1, 'connection refused'));
    return;
  }
  if (url.searchParams.get('port') === '82') {
    response.end(Buffer.concat([send(0, 'bye'), encodeClose(0)]));
    return;
  }
  response.write(send(isForward ? 0 : channel.stdout, ''));
  const decoder = new FrameDecoder();
  for await (const chunk of request as AsyncIterable<Buffer>) {
    for (const frame of decoder.push(chunk)) {
      if (frame.channel === channel.stdin)
        response.write(send(isForward ? 0 : channel.stdout, `<${Buffer.from(frame.data)}>`));
      if (frame.channel === channel.resize) response.write(send(channel.stdout, Buffer.from(frame.data).toString()));
      if (frame.channel !== channel.close) continue;
      response.write(isForward ? encodeClose(0) : send(channel.error, '{"status":"Success"}'));
      response.end();
    }
  }
};

function view(port = 80): FixedObjectView {
  const spec = {
    nodeName: 'node-1',
    containers: [{ name: 'c' }, { name: 'missing' }],
    initContainers: [{ name: 'i' }],
  };
  const pods = [
    {
      metadata: { name: 'p', namespace: 'ns' },
      spec: { ...spec, containers: [{ name: 'c' }] },
      status: { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] },
    },
    { metadata: { name: 'two', namespace: 'ns' }, spec },
    { metadata: { name: 'new', namespace: 'ns' }, spec: { containers: [{ name: 'c' }] } },
  ];
  const slice = {
    metadata: { name: 's-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 's' } },
    endpoints: [
      { addresses: ['127.0.0.1'], nodeName: 'node-1', targetRef: { name: 'p' } },
      { addresses: ['127.0.0.9'], nodeName: 'node-1', targetRef: { name: 'p' } },
    ],
    ports: [{ name: 'http', port }],
  };
  const services = ['s', 'none'].map((name) => ({
    metadata: { name, namespace: 'ns' },
    spec: { ports: [{ name: 'http', port: 8080 }] },
  }));
  return new FixedObjectView()
    .set({ group: '', resource: 'pods' }, pods as unknown as KubeObject[])
    .set({ group: '', resource: 'services' }, services as unknown as KubeObject[])
    .set({ group: 'discovery.k8s.io', resource: 'endpointslices' }, [slice] as unknown as KubeObject[]);
}

interface StartOptions {
  readonly port?: number;
  readonly mayCreate?: boolean;
}

/** The handlers behind a plain HTTP listener, and the kubelet connected to it. Returns the listener's HOST:PORT. */
async function start({ port, mayCreate = true }: StartOptions = {}) {
  const tunnels = new TunnelRegistry(new FakeClock());
  const authorizer = { authorize: () => ({ allowed: mayCreate }) };
  const objects = view(port);
  const links = new NodeLinks({
    view: objects,
    tunnels,
    client: () => ({ certPem: '', keyPem: '' }),
    clock: new FakeClock(),
  });
  const parts = { view: objects, links, authorizer, clock: new FakeClock(), random: new FakeRandom() };
  const handlers = connectHandlers(parts);
  const answer = async (request: ApiRequest) => {
    if (request.path.startsWith('/portico/')) return tunnelPath(tunnels).handle(request, admin);
    const info = parseRequestInfo(request.method, request.path, request.query);
    return handlers[`${info.resource}/${info.subresource}`]!(request, info, admin);
  };
  const call = (method: string, url: string, more: Partial<ApiRequest> = {}) => {
    const { pathname, searchParams } = new URL(url, 'http://x');
    const [, search = ''] = url.split('?', 2);
    const signal = new AbortController().signal;
    const body = async () => new Uint8Array();
    return answer({ method, path: pathname, search, query: searchParams, headers: {}, body, signal, ...more });
  };
  const server = createServer();
  server.on('upgrade', async (incoming, socket, head) => {
    const upgrade = { incoming, socket, head };
    const end = (code: number | undefined, body: string) =>
      socket.end(`HTTP/1.1 ${code} X\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
    try {
      const response = await call(incoming.method!, incoming.url!, { upgrade });
      if (isHijack(response.body)) response.body.hijack(upgrade);
      else end(response.status, String(response.body));
    } catch (error) {
      const { status } = error as StatusError;
      end(status.code, status.message ?? '');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  cleanup.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const stop = new AbortController();
  const done = runTunnel(
    {
      server: `http://${address}`,
      ca: '',
      credentials: () => ({ certPem: '', keyPem: '' }),
      nodeName: 'node-1',
      handler: kubelet,
      clock: new FakeClock(),
      random: new FakeRandom(),
    },
    stop.signal,
  );
  cleanup.push(() => {
    stop.abort();
    return done;
  });
  return { address, call };
}

const exec = (query: string, pod = 'p') => `/api/v1/namespaces/ns/pods/${pod}/exec?${query}`;

/** All messages of a WebSocket until it is closed, as `channel:text`; `onOpen` may send. */
async function messages(
  url: string,
  protocol: string | undefined,
  onOpen?: (socket: WebSocket) => void,
): Promise<string[]> {
  const socket = protocol === undefined ? new WebSocket(url) : new WebSocket(url, protocol);
  const received: string[] = [];
  socket.on('open', () => onOpen?.(socket));
  socket.on('message', (data: Buffer) =>
    received.push(data[0]! < 0x30 ? `${data[0]}:${data.subarray(1)}` : data.toString()),
  );
  await new Promise((resolve, reject) => {
    socket.once('close', resolve);
    socket.once('error', reject);
  });
  expect(socket.protocol).toBe(protocol ?? '');
  return received.filter((message) => !/^1:?$/.test(message));
}

describe('exec over WebSocket', () => {
  test('v5 carries stdin and its close', async () => {
    const { address } = await start();
    const url = `ws://${address}${exec('command=cat&stdin=true&stdout=true')}`;
    const got = await messages(url, 'v5.channel.k8s.io', (socket) => {
      socket.send(Buffer.from('\0one'));
      socket.send(Buffer.from('\x04{"Width":80}'));
      socket.send(Buffer.from([255, 0]));
    });
    expect(got).toEqual(['1:<one>', '1:{"Width":80}', '3:{"status":"Success"}']);
  });

  test.each([
    ['v4.channel.k8s.io', ['1:out', `3:${exitStatus}`]],
    ['v4.base64.channel.k8s.io', [`1${btoa('out')}`, `3${btoa(exitStatus)}`]],
    ['channel.k8s.io', ['1:out', '3:command terminated with non-zero exit code: exit 3']],
    [undefined, ['1:out', '3:command terminated with non-zero exit code: exit 3']],
  ])('%s tells the exit code', async (protocol, expected) => {
    const { address } = await start();
    expect(await messages(`ws://${address}${exec('command=false&stdout=true')}`, protocol)).toEqual(expected);
  });

  test('a node that goes away in the middle is told of, and not taken for success', async () => {
    const { address } = await start();
    const [said] = await messages(`ws://${address}${exec('command=dies&stderr=true')}`, 'v5.channel.k8s.io');
    expect(said).toMatch(/^3:/);
    expect(JSON.parse(said!.slice(2))).toMatchObject({
      status: 'Failure',
      code: 500,
      message: 'Internal error occurred: lost the connection to the node before the command ended',
    });
  });

  test.each([
    ['has gone meanwhile', { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-version': '13' }, true],
    ['asks for no WebSocket that there is', {}, false],
  ])('a command whose client %s is ended', async (_what, more, isGone) => {
    ended = Promise.withResolvers();
    const { call } = await start();
    const [client, socket] = duplexPair();
    client.resume();
    const incoming = { method: 'GET', headers: { upgrade: 'websocket', ...more } } as unknown as IncomingMessage;
    const upgrade = { incoming, socket, head: Buffer.alloc(0) };
    const { body } = await call('GET', exec('command=waits&stdout=true'), { upgrade });
    if (isGone) {
      socket.destroy();
      await once(socket, 'close');
    }
    if (isHijack(body)) body.hijack(upgrade);
    await ended.promise;
  });

  test('GET is no way around the right to create', async () => {
    const { address } = await start({ mayCreate: false });
    const url = `ws://${address}${exec('command=cat&stdout=true')}`;
    await expect(messages(url, 'v5.channel.k8s.io')).rejects.toThrow('403');
  });
});

describe('exec over SPDY', () => {
  test.each([
    ['v4.channel.k8s.io', exitStatus],
    ['v2.channel.k8s.io', 'command terminated with non-zero exit code: exit 3'],
  ])('%s', async (protocol, error) => {
    const { address } = await start();
    const connected = await connectSpdy({
      url: `http://${address}${exec('command=false&stdout=true')}`,
      protocols: [protocol],
    });
    expect(connected.protocol).toBe(protocol);
    const [errors, stdout] = await Promise.all(
      ['error', 'stdout'].map((streamtype) => connected.session.open({ streamtype })),
    );
    expect(await Promise.all([text(errors!), text(stdout!)])).toEqual([error, 'out']);
    await connected.session.closed;
  });

  test('stdin ends when its stream does', async () => {
    const { address } = await start();
    const url = `http://${address}${exec('command=cat&stdin=true&stdout=true')}`;
    const { session } = await connectSpdy({ url, protocols: ['v4.channel.k8s.io'] });
    const [errors, stdin, stdout] = await Promise.all(
      ['error', 'stdin', 'stdout'].map((streamtype) => session.open({ streamtype })),
    );
    stdin!.end('hello');
    expect(await Promise.all([text(errors!), text(stdout!)])).toEqual(['{"status":"Success"}', '<hello>']);
  });
});

describe('refusals', () => {
  test.each<[string, string, number, string]>([
    ['POST', exec('stdout=true'), 400, 'you must specify at least one command for the container'],
    ['POST', exec('command=x'), 400, 'you must specify at least 1 of stdin, stdout, stderr'],
    ['POST', exec('command=x&stdout=1'), 400, 'Upgrade request required'],
    // What is wanted of the pod is the kubelet's to look at: the pod comes first.
    ['POST', exec('', 'gone'), 404, 'pods "gone" not found'],
    ['POST', exec('stdout=1', 'new'), 400, 'pod new does not have a host assigned'],
    ['POST', exec('container=z'), 400, 'container z is not valid for pod p'],
    ['POST', exec('command=x&stdout=1', 'gone'), 404, 'pods "gone" not found'],
    ['POST', exec('command=x&stdout=1', 'new'), 400, 'pod new does not have a host assigned'],
    [
      'POST',
      exec('command=x&stdout=1', 'two'),
      400,
      'a container name must be specified for pod two, choose one of: [c missing] or one of the init containers: [i]',
    ],
    ['POST', exec('command=x&stdout=1&container=z'), 400, 'container z is not valid for pod p'],
    [
      'GET',
      '/api/v1/namespaces/ns/pods/p/log?tailLines=-1',
      422,
      'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    ['GET', '/api/v1/namespaces/ns/pods/two/log?container=missing', 404, 'container not found ("missing")'],
    ['GET', '/api/v1/namespaces/ns/services/s:9/proxy/', 503, 'no service port 9 found for service "s"'],
    ['GET', '/api/v1/namespaces/ns/services/none/proxy/', 503, 'no endpoints available for service "none"'],
    ['GET', '/api/v1/namespaces/ns/services/a:b:c:d/proxy/', 400, 'invalid service request "a:b:c:d"'],
    ['GET', '/api/v1/namespaces/ns/pods/new/proxy/', 400, 'address not allowed'],
    ['GET', '/api/v1/namespaces/ns/pods/new/proxy', 400, 'address not allowed'],
    ['GET', '/api/v1/namespaces/ns/services/gone/proxy', 404, 'services "gone" not found'],
    ['GET', '/api/v1/nodes/gone/proxy', 404, 'nodes "gone" not found'],
    [
      'GET',
      '/api/v1/namespaces/ns/pods/p/log?sinceTime=zz',
      400,
      'parsing time "zz" as "2006-01-02T15:04:05Z07:00": cannot parse "zz" as "2006"',
    ],
    [
      'GET',
      '/api/v1/namespaces/ns/pods/p/log?sinceSeconds=5&sinceTime=2020-01-01T00:00:00Z',
      422,
      'PodLogOptions "p" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    ],
  ])('%s %s: %d %s', async (method, url, code, message) => {
    const { call } = await start();
    const error = await call(method, url).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(StatusError);
    expect([(error as StatusError).status.code, (error as StatusError).message]).toEqual([code, message]);
  });

  test('of the kubelet come before the upgrade', async () => {
    const { address } = await start();
    const url = `http://${address}${exec('command=x&stdout=1&container=missing', 'two')}`;
    await expect(connectSpdy({ url, protocols: ['v4.channel.k8s.io'] })).rejects.toThrow(
      '500 X: container not found ("missing")',
    );
  });

  test('come in the error channel of v5, as from the translator to SPDY', async () => {
    const { address } = await start();
    const url = `ws://${address}${exec('command=x&stdout=1&container=missing', 'two')}`;
    const [message, ...more] = await messages(url, 'v5.channel.k8s.io');
    expect(more).toEqual([]);
    expect(message?.slice(0, 2)).toBe('3:');
    expect(JSON.parse(message?.slice(2) ?? '')).toMatchObject({
      status: 'Failure',
      reason: 'InternalError',
      code: 500,
      message: 'Internal error occurred: unable to upgrade connection: container not found ("missing")',
    });
  });
});

describe('port-forward', () => {
  const path = '/api/v1/namespaces/ns/pods/p/portforward';
  const open = async (session: SpdySession, port: string, requestid: string) => {
    const headers = { port, requestid };
    const errors = await session.open({ ...headers, streamtype: 'error' });
    errors.end();
    return { errors, data: await session.open({ ...headers, streamtype: 'data' }) };
  };

  test('carries connections side by side, each to its end', async () => {
    const { address } = await start();
    const protocols = ['portforward.k8s.io'];
    const { session } = await connectSpdy({ url: `http://${address}${path}`, protocols });
    const connections = await Promise.all(['0', '1'].map((id) => open(session, '80', id)));
    for (const [i, { data }] of connections.entries()) data.end(`hello ${i}`);
    expect(await Promise.all(connections.map(({ data }) => text(data)))).toEqual(['<hello 0>', '<hello 1>']);
    expect(await Promise.all(connections.map(({ errors }) => text(errors)))).toEqual(['', '']);
    const refused = await open(session, '81', '2');
    expect(await Promise.all([text(refused.errors), text(refused.data)])).toEqual(['connection refused', '']);
    await expect(session.open({ streamtype: 'data', port: '0' })).rejects.toThrow('reset');
    session.destroy();
  });

  test('a connection that the client resets has failed nobody', async () => {
    const { address } = await start();
    const { session } = await connectSpdy({ url: `http://${address}${path}`, protocols: ['portforward.k8s.io'] });
    const { data, errors } = await open(session, '80', '0');
    data.write('hello');
    await once(data, 'data');
    data.destroy();
    expect(await text(errors)).toBe('');
    session.destroy();
  });

  test('in the channels of a WebSocket: two for each port, the port first', async () => {
    const { address } = await start();
    const { WebSocket } = await import('ws');
    const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
    const socket = new WebSocket(`ws://${address}${path}?ports=80&ports=81`, protocols);
    const received: Record<number, string> = {};
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on('message', (message: Buffer) => {
      received[message[0]!] = (received[message[0]!] ?? '') + message.toString('latin1', 1);
      if (received[0]?.endsWith('>') && received[3]?.endsWith('refused')) resolve();
    });
    await once(socket, 'open');
    expect(socket.protocol).toBe('v4.channel.k8s.io');
    socket.send(Buffer.from('\0hello'));
    await promise;
    expect(received).toEqual({ 0: 'P\0<hello>', 1: 'P\0', 2: 'Q\0', 3: 'Q\0connection refused' });
    socket.close();
  });

  test('the WebSocket is closed when the pod has closed its connection', async () => {
    const { address } = await start();
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(`ws://${address}${path}?ports=82`, ['v4.channel.k8s.io']);
    let received = '';
    socket.on('message', (message: Buffer) => {
      received += message.toString('latin1');
    });
    const [code] = (await once(socket, 'close')) as [number];
    expect({ code, received }).toEqual({ code: 1000, received: '\0R\0\x01R\0\0bye' });
  });
});

test('logs pass their options on', async () => {
  const { call } = await start();
  const response = await call('GET', '/api/v1/namespaces/ns/pods/p/log?follow=true&tailLines=3');
  expect(await text(response.body as AsyncIterable<Uint8Array>)).toBe(
    'log of /containerLogs/ns/p/c?follow=true&tailLines=3',
  );
  expect((await call('GET', '/api/v1/namespaces/ns/pods/new/log')).status).toBe(204);
});

test.each([
  ['binary.k8s.io', (log: string) => log],
  [undefined, (log: string) => log],
  ['base64.binary.k8s.io', btoa],
])('a log over WebSocket, as %s', async (protocol, written) => {
  const { address } = await start();
  const got = await messages(`ws://${address}/api/v1/namespaces/ns/pods/p/log?tailLines=3`, protocol);
  expect(got).toEqual([written('log of /containerLogs/ns/p/c?tailLines=3')]);
});

test('a Service is proxied to its endpoint, whose redirects stay below it', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
    else if (request.url === '/dir') response.writeHead(301, { location: `http://${request.headers.host}/dir/` }).end();
    else response.end(`${request.method} ${request.url} ${request.headers.authorization ?? 'nobody'}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  const { call } = await start({ port: (server.address() as AddressInfo).port });
  const base = '/api/v1/namespaces/ns/services/s:http/proxy';
  const got = await call('GET', `${base}/a/b?c=d`, { headers: { authorization: 'Bearer secret' } });
  expect([got.status, await text(got.body as AsyncIterable<Uint8Array>)]).toEqual([200, 'GET /a/b?c=d nobody']);
  const asItCame = await call('GET', `${base}/a?flag&q=x%20y+z`);
  expect(await text(asItCame.body as AsyncIterable<Uint8Array>)).toBe('GET /a?flag&q=x%20y+z nobody');
  expect((await call('GET', base)).headers.location).toBe(`${base}/`);
  expect((await call('GET', `${base}?flag`)).headers.location).toBe(`${base}/?flag`);
  expect((await call('GET', `${base}/old`)).headers.location).toBe(`${base}/new`);
  expect((await call('GET', `${base}/dir`)).headers.location).toBe(`${base}/dir/`);
});

test('the links of a proxied page lead through the proxy, packed or not; a long one goes on as it is', async () => {
  const page = `<a href="/x">é</a>`;
  const long = page.padEnd(5 << 20);
  const server = createServer((request, response) => {
    const packed = request.url === '/gzip' ? gzipSync(page) : request.url === '/long' ? long : page;
    const type = request.url === '/text' ? 'text/plain' : 'text/html; charset=utf-8';
    response.writeHead(200, {
      'content-type': type,
      ...(request.url === '/gzip' && { 'content-encoding': 'gzip' }),
      ...(request.url === '/broken' && { 'content-encoding': 'gzip' }),
      ...(request.url === '/other' && { 'content-encoding': 'br' }),
    });
    response.end(packed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  const { call } = await start({ port: (server.address() as AddressInfo).port });
  const base = '/api/v1/namespaces/ns/services/s:http/proxy';
  const got = async (path: string) => {
    const { headers, body } = await call('GET', `${base}${path}`);
    const bytes = Buffer.isBuffer(body) ? body : await buffer(body as AsyncIterable<Uint8Array>);
    const length = headers['content-length'];
    if (length !== undefined) expect(Number(length)).toBe(bytes.length);
    return bytes;
  };
  const through = `<a href="${base}/x">é</a>`;
  expect(String(await got('/page'))).toBe(through);
  expect(String(gunzipSync(await got('/gzip')))).toBe(through);
  for (const same of ['/text', '/broken', '/other']) expect(String(await got(same))).toBe(page);
  expect(String(await got('/long'))).toBe(long);
});

test('an endpoint that is not there is 503, in the words of Go', async () => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { call } = await start({ port });
  await expect(call('GET', '/api/v1/namespaces/ns/services/s/proxy/')).rejects.toThrow(
    `error trying to reach service: dial tcp 127.0.0.1:${port}: connect: connection refused`,
  );
});

test.each([
  ['services/s/proxy/', '', 'EOF'],
  [
    'services/s/proxy/',
    'SSH-2.0-x\r\n',
    'net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-x"',
  ],
  [
    'services/https:s:/proxy/',
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    'tls: first record does not look like a TLS handshake',
  ],
])('an endpoint of %s that answers %j is 503: %s', async (path, answer, reason) => {
  const server = createTcpServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(answer)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  const { call } = await start({ port: (server.address() as AddressInfo).port });
  await expect(call('GET', `/api/v1/namespaces/ns/${path}`)).rejects.toThrow(
    `error trying to reach service: ${reason}`,
  );
});

test('an endpoint that refuses the handshake is not taken for one without TLS', async () => {
  // An alert: fatal, handshake_failure (RFC 8446, section 6).
  const alert = Buffer.from('15030300020228', 'hex');
  const server = createTcpServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(alert)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  const { call } = await start({ port: (server.address() as AddressInfo).port });
  await expect(call('GET', '/api/v1/namespaces/ns/services/https:s:/proxy/')).rejects.toThrow(
    /error trying to reach service: .*alert handshake failure/,
  );
});
