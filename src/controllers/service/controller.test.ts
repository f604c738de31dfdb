import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Event, Node, Service } from '../../api/core/v1/types.generated.ts';
import { type LoadBalancerPool, loadBalancerPools } from '../../api/portico/v1/load-balancer-pool.ts';
import { events, nodes, services } from '../../client/resources.ts';
import { type Harness, makeNode, makeService, startControllers } from '../harness/start.ts';

const finalizer = 'service.kubernetes.io/load-balancer-cleanup';

let harness: Harness;
beforeEach(async () => {
  harness = startControllers({ names: ['service-lb-controller'] });
  await harness.api.resource<Node>(nodes).create(makeNode('node-1'));
});
afterEach(() => harness.stop());

const pools = () => harness.api.resource<LoadBalancerPool>(loadBalancerPools);
const client = () => harness.api.resource<Service>(services);
const service = (name = 'web') => client().get(name, 'default');
const addPool = (name: string, ...addresses: string[]) => pools().create({ metadata: { name }, spec: { addresses } });

async function addService(
  name: string,
  spec: Partial<Service['spec']> = {},
  metadata: Partial<Service['metadata']> = {},
) {
  const made = makeService(name, { type: 'LoadBalancer', ...spec });
  await client().create({ ...made, metadata: { ...made.metadata, ...metadata } });
  await harness.settle();
}

/** Also time for pools to be counted. */
async function settle() {
  await harness.settle();
  harness.clock.advance(500);
  await harness.settle();
}

async function told(): Promise<string[]> {
  await settle();
  const { items } = await harness.api.resource<Event>(events).list({ namespace: 'default' });
  return items.map(({ involvedObject, type, reason, message, source }) => {
    expect(source?.component).toBe('service-controller');
    return `${involvedObject.name}: ${type} ${reason}: ${message}`;
  });
}

test('a Service gets its finalizer, an address and the events of upstream; the pool counts it', async () => {
  await addPool('default', '192.0.2.0/29');
  await addService('web');
  const { metadata, status } = await service();
  expect(metadata.finalizers).toEqual([finalizer]);
  expect(status?.loadBalancer).toEqual({ ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] });
  expect(await told()).toEqual([
    'web: Normal EnsuringLoadBalancer: Ensuring load balancer',
    'web: Normal EnsuredLoadBalancer: Ensured load balancer',
  ]);
  expect((await pools().get('default')).status).toMatchObject({ used: 1, free: 5 });
  const finalizing = harness.api.calls.findIndex((call) => call.verb === 'patch' && call.resource === 'services');
  expect(harness.api.calls[finalizing]?.subresource).toBe('status');
  expect(harness.errors).toEqual([]);
});

test('without any pool nobody says a word; the first pool serves those who waited', async () => {
  await addService('web');
  expect(await told()).toEqual([]);
  expect((await service()).metadata.finalizers).toBeUndefined();
  await addPool('default', '192.0.2.7');
  await settle();
  expect((await service()).status?.loadBalancer?.ingress).toEqual([{ ip: '192.0.2.7', ipMode: 'VIP' }]);
});

test('a Service with a class is left alone', async () => {
  await addPool('default', '192.0.2.0/29');
  await addService('web', { loadBalancerClass: 'example.com/other' });
  await settle();
  expect((await service()).metadata.finalizers).toBeUndefined();
  expect((await service()).status?.loadBalancer?.ingress).toBeUndefined();
  expect(await told()).toEqual([]);
});

test('a deleted Service goes when its address is free again', async () => {
  await addPool('default', '192.0.2.1');
  await addService('web');
  await client().delete('web', 'default');
  await settle();
  await expect(service()).rejects.toThrow('not found');
  expect(await told()).toContain('web: Normal DeletedLoadBalancer: Deleted load balancer');
  expect(await told()).toContain('web: Normal DeletingLoadBalancer: Deleting load balancer');
  expect((await pools().get('default')).status).toMatchObject({ used: 0, free: 1 });
  await addService('next');
  expect((await service('next')).status?.loadBalancer?.ingress?.[0]?.ip).toBe('192.0.2.1');
});

test('another type lets go of the load balancer', async () => {
  await addPool('default', '192.0.2.1');
  await addService('web');
  const present = await service();
  await client().update({ ...present, spec: { ...present.spec, type: 'ClusterIP' } });
  await settle();
  expect((await service()).metadata.finalizers ?? []).toEqual([]);
  expect((await service()).status?.loadBalancer?.ingress).toBeUndefined();
  expect(await told()).toContain('web: Normal Type: LoadBalancer -> ClusterIP');
});

test('no two Services get one address, and who gets none is told so and waits', async () => {
  await addPool('default', '192.0.2.1-192.0.2.2');
  for (const name of ['a', 'b', 'c']) await addService(name);
  const ips = [];
  for (const name of ['a', 'b', 'c']) ips.push((await service(name)).status?.loadBalancer?.ingress?.[0]?.ip);
  expect(ips).toEqual(['192.0.2.1', '192.0.2.2', undefined]);
  expect(await told()).toContain(
    'c: Warning SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: ' +
      'no free IPv4 address in LoadBalancerPool "default"',
  );
  await client().delete('a', 'default');
  // At once, however long it has been waiting.
  await harness.settle();
  expect((await service('c')).status?.loadBalancer?.ingress?.[0]?.ip).toBe('192.0.2.1');
});

test('the address asked for, in the field and in the annotation', async () => {
  await addPool('default', '192.0.2.0/28', 'fd00::/112');
  await addService('field', { loadBalancerIP: '192.0.2.9' });
  const annotations = { 'portico.dev/load-balancer-ips': '192.0.2.10, fd00::10' };
  await addService('annotated', { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }, { annotations });
  const ips = async (name: string) => (await service(name)).status?.loadBalancer?.ingress?.map(({ ip }) => ip);
  expect(await ips('field')).toEqual(['192.0.2.9']);
  expect(await ips('annotated')).toEqual(['192.0.2.10', 'fd00::10']);
});

test('addresses of before are known after a restart, and nothing is told again', async () => {
  await addPool('default', '192.0.2.1-192.0.2.2');
  await addService('web');
  const before = await told();
  const { api, clock } = harness;
  await harness.stop();
  harness = startControllers({ names: ['service-lb-controller'], api, clock });
  await addService('other');
  expect((await service('other')).status?.loadBalancer?.ingress?.[0]?.ip).toBe('192.0.2.2');
  expect((await told()).filter((line) => line.startsWith('web'))).toEqual(before);
});

test('nodes that come are told of; without any there is a warning', async () => {
  await addPool('default', '192.0.2.1');
  await addService('web');
  const excluded = { name: 'node-2', labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } };
  await harness.api.resource<Node>(nodes).create(makeNode('node-2', { metadata: excluded }));
  expect((await told()).filter((line) => line.includes('Updated'))).toEqual([]);
  await harness.api.resource<Node>(nodes).create(makeNode('node-3'));
  expect(await told()).toContain('web: Normal UpdatedLoadBalancer: Updated load balancer with new hosts');
  for (const name of ['node-1', 'node-3']) await harness.api.resource<Node>(nodes).delete(name);
  expect(await told()).toContain('web: Warning UnAvailableLoadBalancer: There are no available nodes for LoadBalancer');
});

test('a pool says which of its entries are no addresses', async () => {
  await addPool('default', '192.0.2.1', '192.0.2.5/24');
  await settle();
  const [condition] = (await pools().get('default')).status?.conditions ?? [];
  expect(condition).toMatchObject({ type: 'Valid', status: 'False', message: 'no addresses: "192.0.2.5/24"' });
});
