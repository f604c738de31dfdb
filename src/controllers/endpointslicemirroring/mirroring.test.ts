import { afterEach, expect, test } from 'vitest';
import type { Endpoints, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { endpointSlices, endpoints, services } from '../../client/resources.ts';
import { type Harness, makeService, startControllers } from '../harness/start.ts';

let harness: Harness;
afterEach(async () => {
  expect(harness.errors).toEqual([]);
  await harness.stop();
});

function byHand(subsets: Endpoints['subsets'], metadata: Partial<Endpoints['metadata']> = {}): Endpoints {
  return { metadata: { name: 'web', namespace: 'default', ...metadata }, ...(subsets && { subsets }) };
}

async function start(object: Endpoints, spec: Partial<Service['spec']> = {}) {
  harness = startControllers({ names: ['endpointslice-mirroring-controller'] });
  const { selector: _, ...bare } = makeService('web').spec;
  await harness.api.resource<Service>(services).create({ ...makeService('web'), spec: { ...bare, ...spec } });
  await harness.api.resource<Endpoints>(endpoints).create(object);
  await harness.settle();
}

const slices = async () => (await harness.api.resource<EndpointSlice>(endpointSlices).list()).items;
const subset = {
  addresses: [{ ip: '10.0.0.1', nodeName: 'n' }],
  notReadyAddresses: [{ ip: 'fd00::1' }],
  ports: [{ port: 80 }],
};

test('one slice per family and ports, with labels and annotations of the Endpoints', async () => {
  const annotations = { a: 'b', 'endpoints.kubernetes.io/last-change-trigger-time': 'x' };
  await start(byHand([subset], { labels: { team: 'a' }, annotations }));
  const [four, six] = await slices();
  expect(four).toMatchObject({
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true }, nodeName: 'n' }],
    ports: [{ name: '', port: 80, protocol: 'TCP' }],
    metadata: {
      labels: {
        team: 'a',
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name: 'web', controller: true }],
    },
  });
  expect(four?.metadata.annotations).toEqual({ a: 'b' });
  expect(six).toMatchObject({
    addressType: 'IPv6',
    endpoints: [{ addresses: ['fd00::1'], conditions: { ready: false } }],
  });
});

test('a change is one update; what is no longer there goes', async () => {
  await start(byHand([subset]));
  const client = harness.api.resource<Endpoints>(endpoints);
  harness.api.calls.length = 0;
  await client.update({
    ...(await client.get('web', 'default')),
    subsets: [{ ...subset, addresses: [{ ip: '10.0.0.2' }] }],
  });
  await harness.settle();
  expect(harness.api.calls.filter((c) => c.resource === 'endpointslices').map((c) => c.verb)).toEqual(['update']);
  await client.delete('web', 'default');
  await harness.settle();
  expect(await slices()).toEqual([]);
});

test.each<[string, Endpoints, Partial<Service['spec']>]>([
  ['says skip', byHand([subset], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), {}],
  ['is for leader election', byHand([subset], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '' } }), {}],
  ['has a selector', byHand([subset]), { selector: { app: 'web' } }],
])('one that %s is not mirrored', async (_what, object, spec) => {
  await start(object, spec);
  expect(await slices()).toEqual([]);
});

test('of a thousand and more the rest is skipped, and that is said', async () => {
  const addresses = Array.from({ length: 1005 }, (_, i) => ({ ip: `10.1.${i >> 8}.${i & 255}` }));
  await start(byHand([{ addresses, ports: [{ port: 80 }] }]));
  expect((await slices())[0]?.endpoints).toHaveLength(1000);
  const events = harness.api.calls.filter((c) => c.resource === 'events');
  expect(events.length).toBeGreaterThan(0);
});
