import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { metricsContentType } from '../metrics/metric.ts';
import { ProbeMetrics } from './probes/probe-metrics.ts';
import { kubeletHandler, type ServerContext } from './server.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function serve(context: Partial<ServerContext> = {}) {
  const server = createServer(kubeletHandler(context as ServerContext));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  ends.push(() => {
    session.destroy();
    server.close();
  });
  return async (path: string) => {
    const stream = session.request({ ':path': path });
    const [headers] = await once(stream, 'response');
    const body = (await stream.setEncoding('utf8').toArray()).join('');
    return { status: headers[':status'], type: headers['content-type'], body };
  };
}

test.each([
  ['/%zz', 400, '400 Bad Request'],
  ['/logs/%ff', 400, '400 Bad Request'],
  ['//[', 400, '400 Bad Request'],
  ['/nothing', 404, '404 page not found'],
  ['/__proto__', 404, '404 page not found'],
  ['/metrics/other', 404, '404 page not found'],
  ['/healthz', 200, 'ok'],
])('%s is answered with %i', async (path, status, body) => {
  const ask = await serve();
  expect(await ask(path)).toMatchObject({ status, body });
});

test('metrics say in which form they are', async () => {
  const ask = await serve({ probeMetrics: new ProbeMetrics() });
  expect(await ask('/metrics/probes')).toMatchObject({ status: 200, type: metricsContentType });
});
