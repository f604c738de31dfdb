import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { FakeRandom } from '../../../system/fake/random.ts';
import { dialDirectly } from '../../tunnel/dial.ts';
import type { AdmissionView } from '../admission.ts';
import { callWebhook } from './call.ts';

const clientConfig = { service: { namespace: 'n', name: 's' } };

/** A Service of one endpoint, to which connections are opened as given. */
function viewOf(dial: () => Promise<Duplex>): AdmissionView {
  const service = { metadata: { name: 's' }, spec: { ports: [{ port: 443 }] } };
  const metadata = { labels: { 'kubernetes.io/service-name': 's' } };
  const slice = { metadata, ports: [{ port: 8443 }], endpoints: [{ addresses: ['192.0.2.1'] }] };
  return { random: new FakeRandom(), find: () => service, all: () => [slice], dial } as unknown as AdmissionView;
}

test('a webhook whose Service cannot be reached in its time is not waited for any longer', async () => {
  const late = Promise.withResolvers<Duplex>();
  const call = callWebhook(
    { clientConfig, timeoutSeconds: 0.05, body: {} },
    viewOf(() => late.promise),
  );
  await expect(call).rejects.toThrow('context deadline exceeded');
  // The connection that comes after all is nobody's.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const raw = await dialDirectly({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  late.resolve(raw);
  await once(raw, 'close');
  server.close();
});

test('nor is one that takes the connection and says nothing', async () => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const view = viewOf(() => dialDirectly({ host: '127.0.0.1', port }));
  const call = callWebhook({ clientConfig, timeoutSeconds: 0.2, body: {} }, view);
  await expect(call).rejects.toThrow('context deadline exceeded');
  server.close();
});
