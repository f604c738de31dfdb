import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { MemoryStorage } from '../../storage/memory/memory-storage.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { usualRequestHeaders } from '../authentication/request-header.ts';
import { FixedObjectView } from '../fake/object-view.ts';
import { type ApiRequest, jsonResponse } from '../request.ts';
import { WatchCache } from '../watch-cache/watch-cache.ts';
import { Aggregator } from './aggregator.ts';
import { RemoteApi } from './remote-api.ts';

afterEach(() => void vi.restoreAllMocks());

const metadata = { name: 'svc', namespace: 'ns' };
const service = { ...metadata, port: 443 };
const apiService = { metadata: { name: 'v1.x.io' }, spec: { ...{ group: 'x.io', version: 'v1' }, service } };

/** A view of the Service with one endpoint here, and all else that asking it takes. */
function partsFor(port: number) {
  const slice = {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'svc' } },
    ports: [{ name: 'https', port }],
    endpoints: [{ addresses: ['127.0.0.1'] }],
  };
  const view = new FixedObjectView()
    .set({ group: '', resource: 'services' }, [
      { metadata, spec: { ports: [{ name: 'https', port: 443 }] } } as { metadata: typeof metadata },
    ])
    .set({ group: 'discovery.k8s.io', resource: 'endpointslices' }, [slice]);
  return {
    view,
    tunnels: { nodeNames: [], dial: () => Promise.reject(new Error('there are no nodes')) },
    frontProxy: () => ({ certPem: '', keyPem: '' }),
    requestHeader: { ca: '', allowedNames: [], ...usualRequestHeaders },
    random: new FakeRandom(),
  };
}

test('a server that takes connections and says nothing is not available, and not waited for', async () => {
  const accepted: Socket[] = [];
  const server = createServer((socket) => void accepted.push(socket.on('error', () => {}).resume()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const api = new RemoteApi(apiService as unknown as ConstructorParameters<typeof RemoteApi>[0], partsFor(port));
  const late = new AbortController();
  vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal);
  server.once('connection', () => late.abort(new DOMException('too late', 'TimeoutError')));
  expect(await api.check(apiService as unknown as Parameters<typeof api.check>[0])).toMatchObject({
    reason: 'FailedDiscoveryCheck',
    message: expect.stringContaining('context deadline exceeded (Client.Timeout exceeded while awaiting headers)'),
  });
  await Promise.all(accepted.map((socket) => socket.closed || once(socket, 'close')));
  api.close();
  server.close();
});

test('a server that is away is not asked for its part of the OpenAPI document: nobody waits for it', async () => {
  let isAsked = false;
  const server = createServer((socket) => {
    isAsked = true;
    socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const parts = partsFor((server.address() as AddressInfo).port);
  const status = { conditions: [{ type: 'Available', status: 'False' }] };
  parts.view.set({ group: 'apiregistration.k8s.io', resource: 'apiservices' }, [
    { ...apiService, status } as unknown as KubeObject,
  ]);
  const clock = new FakeClock();
  const cache = new WatchCache(new MemoryStorage(), clock);
  const aggregator = new Aggregator({ ...parts, cache, clock, builtin: [], onError: () => {} });
  const request = { path: '/openapi/v2', headers: {} } as unknown as ApiRequest;
  const { body } = await aggregator.merge(request, async () => jsonResponse(200, { swagger: '2.0' }));
  expect(JSON.parse(String(body))).toEqual({ swagger: '2.0' });
  expect(isAsked).toBe(false);
  server.close();
});
