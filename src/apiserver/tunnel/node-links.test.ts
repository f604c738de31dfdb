import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { SpdySession, type SpdyStream } from '../../client/spdy/session.ts';
import { channel, encodeClose, encodeFrame, FrameDecoder } from '../../client/stream-frames.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { FixedObjectView } from '../fake/object-view.ts';
import { createCertificateAuthority, issueKeyPair, type KeyPair } from '../pki/certificates.ts';
import { NodeLinks, type NodeLinksOptions } from './node-links.ts';
import { TunnelRegistry } from './tunnel-registry.ts';

const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
let ca: KeyPair;
let serving: KeyPair;
let client: KeyPair;
beforeAll(async () => {
  const random = new FakeRandom();
  ca = await createCertificateAuthority('kubelets', validity, random);
  const profile = { ...validity, subject: { commonName: 'node', organizations: [] }, sans: ['127.0.0.1'] };
  serving = await issueKeyPair(ca, { ...profile, usages: ['server auth'] }, random);
  const subject = { commonName: 'asker', organizations: [] };
  client = await issueKeyPair(ca, { ...validity, subject, sans: [], usages: ['client auth'] }, random);
});

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

/** What a streaming kubelet does with the streams of one exec, or of one forwarded port, by what their headers say. */
async function play(path: string, streams: ReadonlyMap<string, SpdyStream>): Promise<void> {
  const [error, output] = [streams.get('error')!, streams.get('stdout') ?? streams.get('data')!];
  const input = streams.get('stdin') ?? output;
  output.write(`${path} ${output.headers.port ?? ''}:`);
  output.end(await buffer(input.iterator({ destroyOnReturn: false })));
  error.end(path.startsWith('/exec') ? '{"status":"Success"}' : '');
}

/** Upstream's kubelet as far as this goes: HTTPS for those with a certificate of the authority, SPDY for streams. */
async function startKubelet(): Promise<number> {
  const server = createServer(
    { cert: serving.certPem, key: serving.keyPem, ca: ca.certPem, requestCert: true },
    async (request, response) => {
      if (request.url === '/breaks') {
        response.write('a beginning', () => response.destroy());
        return;
      }
      const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject;
      response.writeHead(request.url!.startsWith('/missing') ? 404 : 200, { 'x-from': 'kubelet' });
      response.end(`${CN} ${request.method} ${request.url} ${await text(request)}`);
    },
  );
  server.on('upgrade', ({ url, headers }: { url: string; headers: Record<string, string> }, socket: Duplex) => {
    if (url.includes('/gone')) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone');
      return;
    }
    const protocol = headers['x-stream-protocol-version'];
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
    );
    const wanted = url.startsWith('/exec') ? 3 : 2;
    const streams = new Map<string, SpdyStream>();
    const onStream = (stream: SpdyStream) => {
      streams.set(stream.accept().headers.streamtype!, stream);
      if (streams.size === wanted) void play(url, streams);
    };
    new SpdySession(socket, { role: 'server', onStream });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function linksTo(port: number, options: Partial<NodeLinksOptions> = {}): NodeLinks {
  const status = {
    addresses: [
      { type: 'Hostname', address: 'node.invalid' },
      { type: 'InternalIP', address: '127.0.0.1' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  const node = { metadata: { name: 'n' }, status } as unknown as KubeObject;
  const view = new FixedObjectView().set({ group: '', resource: 'nodes' }, [node]);
  const clock = new FakeClock();
  return new NodeLinks({ view, tunnels: new TunnelRegistry(clock), client: () => client, clock, ...options });
}

test('a kubelet that listens is asked with the certificate of the server', async () => {
  const links = linksTo(await startKubelet(), { ca: ca.certPem });
  const path = '/containerLogs/ns/p/c?follow=true';
  const answer = await links.request('n', { method: 'GET', path });
  expect([answer.status, answer.headers['x-from']]).toEqual([200, 'kubelet']);
  expect(await text(answer.stream)).toBe(`asker GET ${path} `);
  const body = (async function* () {
    yield Buffer.from('what was sent');
  })();
  const posted = await links.request('n', { method: 'POST', path: '/missing', body });
  expect(posted.status).toBe(404);
  expect(await text(posted.stream)).toBe('asker POST /missing what was sent');
});

test('a path leads nowhere else, and one that is brought a body is a request of HTTP', async () => {
  const links = linksTo(await startKubelet());
  const body = () => Readable.from([]);
  for (const path of ['//127.0.0.2:1/x', '/a/../b', '/exec/ns/p/c?command=a&output=1']) {
    const answer = await links.request('n', { method: 'GET', path, body: body() });
    expect(await text(answer.stream)).toBe(`asker GET ${path} `);
  }
});

test('a body that breaks off fails its request alone', async () => {
  const links = linksTo(await startKubelet());
  const body = (async function* () {
    yield Buffer.from('a beginning');
    throw new Error('the client went away');
  })();
  await expect(links.request('n', { method: 'POST', path: '/x', body })).rejects.toThrow('node n is not reachable: ');
});

test('an answer that breaks off before anybody reads it fails whoever does', async () => {
  const links = linksTo(await startKubelet());
  const { stream } = await links.request('n', { method: 'GET', path: '/breaks' });
  await new Promise((resolve) => stream.once('close', resolve));
  await expect(text(stream)).rejects.toThrow();
});

test('one whose certificate another authority signed is not', async () => {
  const other = await createCertificateAuthority('others', validity, new FakeRandom());
  const links = linksTo(await startKubelet(), { ca: other.certPem });
  await expect(links.request('n', { method: 'GET', path: '/pods' })).rejects.toThrow('node n is not reachable: ');
});

test('streams of SPDY come as frames', async () => {
  const links = linksTo(await startKubelet());
  const talk = async (path: string) => {
    const { status, stream } = await links.request('n', { method: 'POST', path });
    stream.write(encodeFrame({ channel: 0, data: Buffer.from('in') }));
    stream.write(encodeClose(0));
    const frames = new FrameDecoder().push(await buffer(stream));
    return [status, ...frames.map((frame) => `${frame.channel} ${Buffer.from(frame.data)}`)];
  };
  const exec = '/exec/ns/p/c?command=cat&input=1&output=1';
  expect((await talk(exec)).join('|').replace(`|${channel.stdout} in`, 'in')).toBe(
    `200|1 ${exec} :in|3 {"status":"Success"}`,
  );
  const forward = (await talk('/portForward/ns/p?port=80')).join('|').replace('|0 in', 'in');
  expect(forward).toBe(`200|0 /portForward/ns/p 80:in|255 \0`);
});

const paths = ['/containerLogs/ns/p/c', '/exec/ns/p/c?command=a&output=1', '/portForward/ns/p?port=80'];

test.each(paths)('one that takes a connection and says nothing is not waited for: %s', async (path) => {
  const taken = Promise.withResolvers<void>();
  // The first bytes of a handshake: the connection is there on both sides.
  const silent = createTcpServer((socket) => socket.once('data', () => taken.resolve())).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  cleanup.push(() => silent.close());
  const clock = new FakeClock();
  const links = linksTo((silent.address() as AddressInfo).port, { clock });
  const answer = links.request('n', { method: 'POST', path });
  const refused = expect(answer).rejects.toThrow('node n is not reachable: net/http: TLS handshake timeout');
  await taken.promise;
  clock.advance(10_000);
  await refused;
});

test.each(paths)('one that does not answer is let go of with its caller: %s', async (path) => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const tls = { cert: serving.certPem, key: serving.keyPem };
  const silent = createTlsServer(tls, (socket) => {
    socket
      .on('error', () => {})
      .once('data', () => asked.resolve())
      .once('close', () => gone.resolve());
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  cleanup.push(() => silent.close());
  const links = linksTo((silent.address() as AddressInfo).port);
  const caller = new AbortController();
  const answer = links.request('n', { method: 'POST', path, signal: caller.signal });
  const refused = expect(answer).rejects.toThrow('the client went away');
  await asked.promise;
  caller.abort(new Error('the client went away'));
  await refused;
  await gone.promise;
});

test('what it refuses is an answer', async () => {
  const links = linksTo(await startKubelet());
  const { status, stream } = await links.request('n', { method: 'POST', path: '/exec/ns/gone/c?command=a&output=1' });
  expect([status, await text(stream)]).toEqual([404, 'gone']);
});

test.each(['127.0.0.1', '169.254.169.254', '::1', 'fe80::1', '0.0.0.0', '224.0.0.1', 'ff02::1', '255.255.255.255'])(
  'pods of such a node are not dialled at %s',
  async (host) => {
    await expect(linksTo(1).dial('n', host, 80)).rejects.toThrow('address not allowed');
  },
);

test('a Node that names no port is at the end of a tunnel, and so is one that is unknown', async () => {
  expect([linksTo(0).leadsTo('n'), linksTo(1).leadsTo('n'), linksTo(1).leadsTo('m')]).toEqual([false, true, false]);
  await expect(linksTo(1).request('n', { method: 'GET', path: '/' })).rejects.toThrow('ECONNREFUSED');
});
