import { afterEach, expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '../../client/resources.ts';
import { type Harness, makePod, startControllers } from '../harness/start.ts';
import { claimFinalizer, volumeFinalizer } from './reconcile.ts';

const names = ['persistentvolumeclaim-protection-controller', 'persistentvolume-protection-controller'];
let harness: Harness | undefined;
afterEach(() => harness?.stop());

test('a claim stays while a pod on a node mounts it, and goes with that pod', async () => {
  harness = startControllers({ names });
  const { api } = harness;
  const claims = api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  for (const name of ['used', 'free']) {
    await claims.create({ metadata: { name, namespace: 'default', finalizers: [claimFinalizer] }, spec: {} });
  }
  const mount = (claimName: string) => [{ name: 'v', persistentVolumeClaim: { claimName } }];
  await api.resource<Pod>(pods).create(makePod('a', {}, { nodeName: 'node-1', volumes: mount('used') }));
  await api.resource<Pod>(pods).create(makePod('b', {}, { volumes: mount('free') }));
  await claims.delete('used', 'default');
  await claims.delete('free', 'default');
  await harness.settle();
  expect((await claims.list()).items.map(({ metadata }) => metadata.name)).toEqual(['used']);
  await api.resource<Pod>(pods).delete('a', 'default', { gracePeriodSeconds: 0 });
  await harness.settle();
  expect((await claims.list()).items).toEqual([]);
  expect(harness.errors).toEqual([]);
});

test('what came without its finalizer gets it, but not while it goes', async () => {
  harness = startControllers({ names });
  const claims = harness.api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const volumes = harness.api.resource<PersistentVolume>(persistentVolumes);
  await claims.create({ metadata: { name: 'c', namespace: 'default', finalizers: ['other/one'] }, spec: {} });
  await volumes.create({ metadata: { name: 'v' }, spec: {} });
  await claims.create({ metadata: { name: 'going', namespace: 'default', finalizers: ['other/one'] }, spec: {} });
  await claims.delete('going', 'default');
  await harness.settle();
  expect((await claims.get('c', 'default')).metadata.finalizers).toEqual(['other/one', claimFinalizer]);
  expect((await volumes.get('v')).metadata.finalizers).toEqual([volumeFinalizer]);
  expect((await claims.get('going', 'default')).metadata.finalizers).toEqual(['other/one']);
  expect(harness.errors).toEqual([]);
});

test('a volume stays while it is bound', async () => {
  harness = startControllers({ names });
  const volumes = harness.api.resource<PersistentVolume>(persistentVolumes);
  const made = await volumes.create({ metadata: { name: 'v', finalizers: [volumeFinalizer] }, spec: {} });
  const bound = await volumes.update({ ...made, status: { phase: 'Bound' } }, { subresource: 'status' });
  await volumes.delete('v');
  await harness.settle();
  expect((await volumes.list()).items).toHaveLength(1);
  const now = await volumes.get('v');
  await volumes.update({ ...bound, metadata: now.metadata, status: { phase: 'Released' } }, { subresource: 'status' });
  await harness.settle();
  expect((await volumes.list()).items).toEqual([]);
});
