import { afterEach, expect, test } from 'vitest';
import type { Deployment, ReplicaSet } from '../../api/apps/v1/types.generated.ts';
import type { ConfigMap, Event, Pod } from '../../api/core/v1/types.generated.ts';
import type { KubeList, KubeObject } from '../../apimachinery/object.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { configMaps, deployments, events, pods, replicaSets } from '../../client/resources.ts';
import type { DeleteOptions } from '../../client/types.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { answerReads } from '../harness/reads.ts';
import { type Harness, makeDeployment, startControllers } from '../harness/start.ts';

let harness: Harness;
afterEach(async () => {
  expect(harness.errors).toEqual([]);
  await harness.stop();
});

async function workload() {
  harness = startControllers({
    names: ['garbage-collector-controller', 'deployment-controller', 'replicaset-controller'],
  });
  await harness.settle();
  await harness.api.resource<Deployment>(deployments).create(makeDeployment('web'));
  await harness.settle();
}

const names = async (resource: typeof pods) =>
  (await harness.api.resource<KubeObject>(resource).list()).items.map((o) => o.metadata.name);

async function remove(propagationPolicy?: NonNullable<DeleteOptions['propagationPolicy']>) {
  const options = propagationPolicy ? { propagationPolicy } : {};
  await harness.api.resource<Deployment>(deployments).delete('web', 'default', options);
  await harness.settle();
}

test('background: the owner goes at once, what it owned follows', async () => {
  await workload();
  expect(await names(pods)).toHaveLength(3);
  await remove('Background');
  expect([await names(deployments), await names(replicaSets), await names(pods)]).toEqual([[], [], []]);
});

test('foreground: the owner stays until what blocks it has gone', async () => {
  await workload();
  const client = harness.api.resource<Pod>(pods);
  const [pod] = (await client.list()).items;
  await client.update({ ...pod!, metadata: { ...pod!.metadata, finalizers: ['example.com/hold'] } });
  await remove('Foreground');
  expect(await names(pods)).toEqual([pod?.metadata.name]);
  expect((await harness.api.resource<ReplicaSet>(replicaSets).list()).items[0]?.metadata).toMatchObject({
    finalizers: ['foregroundDeletion'],
  });
  expect(await names(deployments)).toEqual(['web']);
  const held = await client.get(pod!.metadata.name, 'default');
  await client.update({ ...held, metadata: { ...held.metadata, finalizers: [] } });
  await harness.retry();
  expect([await names(deployments), await names(replicaSets), await names(pods)]).toEqual([[], [], []]);
});

test('orphan: what it owned stays, and belongs to nobody', async () => {
  await workload();
  await remove('Orphan');
  expect(await names(deployments)).toEqual([]);
  const [set] = (await harness.api.resource<ReplicaSet>(replicaSets).list()).items;
  expect(set?.metadata.ownerReferences).toEqual([]);
  expect(await names(pods)).toHaveLength(3);
});

function configMap(
  name: string,
  owners: { name: string; uid: string; blockOwnerDeletion?: boolean }[] = [],
): ConfigMap {
  const ownerReferences = owners.map((o) => ({ apiVersion: 'v1', kind: 'ConfigMap', ...o }));
  return { metadata: { name, namespace: 'default', ownerReferences } };
}

test('an object whose owner is gone before it comes is deleted; with another owner it is only released', async () => {
  harness = startControllers({ names: ['garbage-collector-controller'] });
  const client = harness.api.resource<ConfigMap>(configMaps);
  const gone = { name: 'gone', uid: 'no-such-uid' };
  await client.create(configMap('before', [gone]));
  await harness.settle();
  expect(await names(configMaps)).toEqual([]);
  const owner = await client.create(configMap('owner'));
  const present = { name: 'owner', uid: owner.metadata.uid ?? '' };
  await client.create(configMap('shared', [gone, present]));
  await client.create(configMap('impostor', [{ ...present, uid: 'other' }]));
  await harness.settle();
  expect(await names(configMaps)).toEqual(['owner', 'shared']);
  expect((await client.get('shared', 'default')).metadata.ownerReferences).toMatchObject([present]);
});

test('an object that gets another owner at the last moment stays', async () => {
  harness = startControllers({ names: ['garbage-collector-controller'] });
  const client = harness.api.resource<ConfigMap>(configMaps);
  const owner = await client.create(configMap('owner'));
  const present = { name: 'owner', uid: owner.metadata.uid ?? '' };
  let deletions = 0;
  harness.api.react(async ({ verb }) => {
    if (verb !== 'delete') return;
    deletions += 1;
    await client.update(configMap('adopted', [present]));
  });
  await client.create(configMap('adopted', [{ name: 'gone', uid: 'no-such-uid' }]));
  await harness.retry();
  expect(deletions).toBe(1);
  expect((await client.get('adopted', 'default')).metadata.ownerReferences).toMatchObject([present]);
});

test('an owner in another namespace is none, and that is told', async () => {
  harness = startControllers({ names: ['garbage-collector-controller'] });
  const client = harness.api.resource<ConfigMap>(configMaps);
  await harness.settle();
  const foreign = await client.create({ metadata: { name: 'owner', namespace: 'other' } });
  await client.create(configMap('dependent', [{ name: 'owner', uid: foreign.metadata.uid ?? '' }]));
  await harness.settle();
  expect(await names(configMaps)).toEqual(['owner']);
  const told = (await harness.api.resource<Event>(events).list()).items;
  expect(told.map(({ reason, involvedObject }) => [reason, involvedObject.name])).toEqual([
    ['OwnerRefInvalidNamespace', 'dependent'],
  ]);
});

// Of kinds that nobody else follows no copy is kept: what went while no watch ran is known by the next list.
test('what an owner, or what it waited for, left while nobody watched is found by the next list', async () => {
  harness = startControllers({ names: ['garbage-collector-controller'] });
  const client = harness.api.resource<ConfigMap>(configMaps);
  await harness.settle();
  const [owner, waiting] = [await client.create(configMap('owner')), await client.create(configMap('waiting'))];
  const owned = (name: string, { metadata }: ConfigMap) =>
    configMap(name, [{ name: metadata.name, uid: metadata.uid ?? '', blockOwnerDeletion: true }]);
  await client.create(owned('left', owner));
  const held = owned('held', waiting);
  await client.create({ ...held, metadata: { ...held.metadata, finalizers: ['example.com/hold'] } });
  await harness.settle();
  await client.delete('waiting', 'default', { propagationPolicy: 'Foreground' });
  await harness.settle();
  expect(await names(configMaps)).toEqual(['owner', 'waiting', 'left', 'held']);

  harness.api.hub.breakWatches();
  await client.delete('owner', 'default');
  const { metadata } = await client.get('held', 'default');
  await client.update({ metadata: { ...metadata, finalizers: [] } });
  harness.api.hub.compact();
  harness.clock.advance(20_000);
  await harness.retry();
  expect(await names(configMaps)).toEqual([]);
});

test('foreground: what no longer names its owner holds it up no more', async () => {
  harness = startControllers({ names: ['garbage-collector-controller'] });
  const client = harness.api.resource<ConfigMap>(configMaps);
  const owner = await client.create(configMap('owner'));
  const owned = configMap('owned', [{ name: 'owner', uid: owner.metadata.uid ?? '', blockOwnerDeletion: true }]);
  const held = { ...owned, metadata: { ...owned.metadata, finalizers: ['example.com/hold'] } };
  await client.create(held);
  await harness.settle();
  await client.delete('owner', 'default', { propagationPolicy: 'Foreground' });
  await harness.settle();
  expect(await names(configMaps)).toEqual(['owner', 'owned']);
  const { metadata } = await client.get('owned', 'default');
  await client.update({ metadata: { ...metadata, ownerReferences: [] } });
  await harness.retry();
  expect(await names(configMaps)).toEqual(['owned']);
});

test('owners in a circle can be deleted in the foreground', async () => {
  harness = startControllers({ names: ['garbage-collector-controller'] });
  const client = harness.api.resource<ConfigMap>(configMaps);
  const a = await client.create(configMap('a'));
  const b = await client.create(configMap('b', [{ name: 'a', uid: a.metadata.uid ?? '', blockOwnerDeletion: true }]));
  const owned = configMap('a', [{ name: 'b', uid: b.metadata.uid ?? '', blockOwnerDeletion: true }]);
  await client.update({ ...owned, metadata: { ...owned.metadata, uid: a.metadata.uid ?? '' } });
  await harness.settle();
  await client.delete('a', 'default', { propagationPolicy: 'Foreground' });
  await harness.settle();
  expect(await names(configMaps)).toEqual([]);
});

// As where the webhook that converts a custom resource is away: the list of that kind fails for as long.
test('a kind that cannot be listed holds the others up for half a minute, and no longer', async () => {
  const api = new FakeApi({ clock: new FakeClock(), random: new FakeRandom() });
  const list = Promise.withResolvers<KubeList<KubeObject>>();
  answerReads(api, 'configmaps', { list: () => list.promise });
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'gone', uid: 'gone', controller: true };
  const pod = {
    metadata: { name: 'orphan', namespace: 'default', ownerReferences: [owner] },
    spec: { containers: [] },
  };
  await api.resource<Pod>(pods).create(pod);
  const clock = new FakeClock();
  harness = startControllers({ names: ['garbage-collector-controller'], api, clock });
  await harness.settle();
  const before = await names(pods);
  clock.advance(30_000);
  await harness.settle();
  const after = await names(pods);
  list.resolve({ metadata: {}, items: [] });
  expect({ before, after }).toEqual({ before: ['orphan'], after: [] });
});
