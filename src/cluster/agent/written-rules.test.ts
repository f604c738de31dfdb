import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as http2 from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { writtenRules } from './written-rules.ts';

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening<S extends Server | http2.Http2Server>(server: S): Promise<string> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Asks an agent whose proxy answers at `origin`; other paths are answered by the kubelet. */
async function ask(origin: string, path: string): Promise<{ status: number; body: string }> {
  const handler = writtenRules(origin, (_, response) => void response.end('kubelet'));
  const url = await listening(http2.createServer((request, response) => void handler(request, response)));
  const session = http2.connect(url, { createConnection: () => connect(Number(new URL(url).port), '127.0.0.1') });
  servers.push(session);
  const stream = session.request({ ':path': path });
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & { ':status': number }];
  return { status: headers[':status'], body: await text(stream) };
}

const proxy = (request: IncomingMessage, response: ServerResponse) => response.end(`rules of ${request.url}`);

test('the rules come from the proxy, with the question as it was asked', async () => {
  const origin = await listening(createServer(proxy));
  const path = '/portico/rules?namespace=demo&name=web';
  expect(await ask(origin, path)).toEqual({ status: 200, body: `rules of ${path}` });
});

test('all else is the kubelet’s', async () => {
  expect(await ask('http://127.0.0.1:1', '/healthz')).toEqual({ status: 200, body: 'kubelet' });
});

test('a proxy that is not there is told of', async () => {
  const origin = await listening(createServer(proxy));
  const gone = servers.pop() as Server;
  await new Promise((resolve) => gone.close(resolve));
  const { status, body } = await ask(origin, '/portico/rules');
  expect(status).toBe(503);
  expect(body).toContain('the proxy of this node does not answer: ');
});

test('a proxy that ends in the middle of its answer breaks that off', async () => {
  const origin = await listening(
    createServer((_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('rules', () => response.destroy());
    }),
  );
  await expect(ask(origin, '/portico/rules')).rejects.toThrow();
});

test('a proxy is asked no more when nobody listens to its answer', async () => {
  const over = Promise.withResolvers<void>();
  const origin = await listening(
    createServer((_, response) => {
      response.write('rules');
      response.once('close', over.resolve);
    }),
  );
  const handler = writtenRules(origin, () => {});
  const server = http2.createServer((request, response) => void handler(request, response));
  const session = http2.connect(await listening(server));
  const stream = session.request({ ':path': '/portico/rules' });
  await once(stream, 'data');
  session.destroy();
  await over.promise;
});
