// Both endpoint controllers over an API in memory: what they write when, and that they settle.
import { afterEach, expect, test } from 'vitest';
import type { Endpoints, Event, Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { endpointSlices, endpoints, events, nodes, pods, services } from '../../client/resources.ts';
import { type Harness, makeNode, makePod, makeService, startControllers } from '../harness/start.ts';

let harness: Harness;
afterEach(async () => {
  expect(harness.errors).toEqual([]);
  await harness.stop();
});

async function start() {
  harness = startControllers({ names: ['endpointslice-controller', 'endpoints-controller'] });
  await harness.api.resource<Node>(nodes).create(makeNode('node-1'));
  await harness.api.resource<Service>(services).create(makeService('web'));
  for (const name of ['a', 'b']) {
    await harness.api.resource<Pod>(pods).create(makePod(name, { app: 'web' }, { nodeName: 'node-1' }));
    await harness.setPod(name, { ready: true, ip: name === 'a' ? '10.244.0.2' : '10.244.0.3' });
  }
  await harness.settle();
}

async function addresses() {
  const slices = (await harness.api.resource<EndpointSlice>(endpointSlices).list()).items;
  const fromSlices = slices.flatMap((s) => s.endpoints ?? []).filter((e) => e.conditions?.ready);
  const object = await harness.api.resource<Endpoints>(endpoints).get('web', 'default');
  const fromEndpoints = (object.subsets ?? []).flatMap((s) => s.addresses ?? []).map((a) => a.ip);
  expect(fromSlices.map((e) => e.addresses[0]).sort()).toEqual(fromEndpoints.sort());
  return fromEndpoints;
}

const written = () => harness.api.calls.filter((c) => c.resource === 'endpointslices' || c.resource === 'endpoints');

test('pods that come, turn unready and go are followed with one write each', async () => {
  await start();
  expect(await addresses()).toEqual(['10.244.0.2', '10.244.0.3']);
  harness.api.calls.length = 0;
  await harness.setPod('a', { ready: false, ip: '10.244.0.2' });
  await harness.settle();
  expect(await addresses()).toEqual(['10.244.0.3']);
  expect(
    written()
      .map((c) => `${c.verb} ${c.resource}`)
      .sort(),
  ).toEqual(['update endpoints', 'update endpointslices']);
  await harness.api.resource<Pod>(pods).delete('b', 'default', { gracePeriodSeconds: 0 });
  await harness.settle();
  expect(await addresses()).toEqual([]);
});

test('a changed selector and changed labels move the endpoints', async () => {
  await start();
  const client = harness.api.resource<Service>(services);
  const service = jsonCopy(await client.get('web', 'default'));
  service.spec.selector = { app: 'other' };
  await client.update(service);
  await harness.settle();
  expect(await addresses()).toEqual([]);
  const body = { metadata: { labels: { app: 'other' } } };
  await harness.api.resource<Pod>(pods).patch({ name: 'b', namespace: 'default', type: 'merge', body });
  await harness.settle();
  expect(await addresses()).toEqual(['10.244.0.3']);
});

test('a pod waits for its node to be known', async () => {
  await start();
  await harness.api.resource<Pod>(pods).create(makePod('c', { app: 'web' }, { nodeName: 'node-2' }));
  await harness.setPod('c', { ready: true, ip: '10.244.1.2' });
  await harness.settle();
  const slice = async () => (await harness.api.resource<EndpointSlice>(endpointSlices).list()).items[0];
  expect((await slice())?.endpoints).toHaveLength(2);
  await harness.api.resource<Node>(nodes).create(makeNode('node-2'));
  await harness.settle();
  expect((await slice())?.endpoints).toHaveLength(3);
});

test('what someone else changes or deletes is mended; the Endpoints of a deleted Service go', async () => {
  await start();
  const slices = harness.api.resource<EndpointSlice>(endpointSlices);
  const [slice] = (await slices.list()).items;
  await slices.update({ ...slice!, endpoints: [] });
  await harness.settle();
  expect(await addresses()).toEqual(['10.244.0.2', '10.244.0.3']);
  await slices.delete(slice!.metadata.name, 'default');
  await harness.settle();
  expect(await addresses()).toEqual(['10.244.0.2', '10.244.0.3']);
  await harness.api.resource<Service>(services).delete('web', 'default');
  await harness.settle();
  expect((await harness.api.resource<Endpoints>(endpoints).list()).items).toEqual([]);
});

test('a Service without a selector, and an ExternalName, are left alone', async () => {
  await start();
  const { selector: _, ...bare } = makeService('bare').spec;
  await harness.api.resource<Service>(services).create({ ...makeService('bare'), spec: bare });
  await harness.api
    .resource<Service>(services)
    .create(makeService('ext', { type: 'ExternalName', externalName: 'x.y' }));
  await harness.settle();
  const names = (await harness.api.resource<Endpoints>(endpoints).list()).items.map((e) => e.metadata.name);
  expect(names).toEqual(['web']);
  expect((await harness.api.resource<EndpointSlice>(endpointSlices).list()).items).toHaveLength(1);
});

test('a refused write is tried again', async () => {
  await start();
  let refusals = 2;
  const stop = harness.api.react(({ resource }) => {
    if (resource === 'endpointslices' && refusals-- > 0) throw new Error('not now');
  });
  await harness.setPod('a', { ready: false, ip: '10.244.0.2' });
  await harness.retry();
  stop();
  expect(await addresses()).toEqual(['10.244.0.3']);
  expect(harness.errors.splice(0)).toHaveLength(2);
});

test('topology-mode Auto: hints by the CPU of the zones, told of in Events, and gone with a zone', async () => {
  harness = startControllers({ names: ['endpointslice-controller'] });
  const nodeClient = harness.api.resource<Node>(nodes);
  const inZone = (name: string, zone: string) => {
    const labels = { 'topology.kubernetes.io/zone': zone };
    return makeNode(name, { metadata: { name, labels } });
  };
  for (const zone of ['a', 'b']) await nodeClient.create(inZone(`node-${zone}`, zone));
  const service = makeService('web');
  service.metadata.annotations = { 'service.kubernetes.io/topology-mode': 'Auto' };
  await harness.api.resource<Service>(services).create(service);
  for (const [i, zone] of ['a', 'a', 'a', 'b'].entries()) {
    await harness.api.resource<Pod>(pods).create(makePod(`web-${i}`, { app: 'web' }, { nodeName: `node-${zone}` }));
    await harness.setPod(`web-${i}`, { ready: true, ip: `10.244.0.${i + 1}` });
  }
  await harness.settle();
  const hints = async () => {
    const { items } = await harness.api.resource<EndpointSlice>(endpointSlices).list();
    return items.flatMap((one) => (one.endpoints ?? []).map((e) => e.hints?.forZones?.[0]?.name)).sort();
  };
  const told = async () => {
    const { items } = await harness.api.resource<Event>(events).list();
    return items.map(({ reason, message }) => `${reason}: ${message}`);
  };
  expect(await hints()).toEqual(['a', 'a', 'b', 'b']);
  expect(await told()).toContain('TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4');
  await nodeClient.delete('node-b');
  await harness.settle();
  expect((await hints()).filter((zone) => zone !== undefined)).toEqual([]);
  expect(await told()).toContain(
    'TopologyAwareHintsDisabled: Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4',
  );
});
