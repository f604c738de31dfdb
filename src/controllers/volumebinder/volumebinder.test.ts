import { afterEach, expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../../client/resources.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { answerReads, seesNothing } from '../harness/reads.ts';
import { type Harness, startControllers } from '../harness/start.ts';

let harness: Harness | undefined;
afterEach(() => harness?.stop());

test('a claim that says it is bound but never had a volume is Pending until it has one', async () => {
  harness = startControllers({ names: ['persistentvolume-binder-controller'] });
  const claims = harness.api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const capacity = { storage: '1Gi' };
  const accessModes = ['ReadWriteOnce'];
  await claims.create({
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes, resources: { requests: capacity }, volumeName: 'v' },
    status: { phase: 'Bound', accessModes, capacity },
  });
  await harness.settle();
  expect((await claims.get('data', 'default')).status).toEqual({ phase: 'Pending' });
  const volumes = harness.api.resource<PersistentVolume>(persistentVolumes);
  await volumes.create({ metadata: { name: 'v' }, spec: { accessModes, capacity } });
  await harness.settle();
  expect((await claims.get('data', 'default')).status).toEqual({ phase: 'Bound', accessModes, capacity });
  expect((await volumes.get('v')).status?.phase).toBe('Bound');
  expect(harness.errors).toEqual([]);
});

// sigs.k8s.io/sig-storage-lib-external-provisioner makes volumes for claims that name it, and for no others.
test('a claim whose class has a provisioner names it, once it is to have a volume', async () => {
  harness = startControllers({ names: ['persistentvolume-binder-controller'] });
  const classes = harness.api.resource<StorageClass>(storageClasses);
  await classes.create({ metadata: { name: 'now' }, provisioner: 'x.io/disks', volumeBindingMode: 'Immediate' });
  await classes.create({
    metadata: { name: 'later' },
    provisioner: 'x.io/disks',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const claims = harness.api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  for (const storageClassName of ['now', 'later'])
    await claims.create({
      metadata: { name: storageClassName, namespace: 'default' },
      spec: { ...spec, storageClassName },
    });
  await harness.settle();
  const named = {
    'volume.kubernetes.io/storage-provisioner': 'x.io/disks',
    'volume.beta.kubernetes.io/storage-provisioner': 'x.io/disks',
  };
  expect((await claims.get('now', 'default')).metadata.annotations).toEqual(named);
  expect((await claims.get('later', 'default')).metadata.annotations).toBeUndefined();
  const chosen = { 'volume.kubernetes.io/selected-node': 'node-1' };
  const body = { metadata: { annotations: chosen } };
  await claims.patch({ name: 'later', namespace: 'default', type: 'merge', body });
  await harness.settle();
  expect((await claims.get('later', 'default')).metadata.annotations).toEqual({ ...chosen, ...named });
  expect(harness.errors).toEqual([]);
});

// A Released volume whose policy is Delete is removed with its data.
test.each([
  { what: 'is there', isThere: true, phase: 'Bound' },
  { what: 'is gone', isThere: false, phase: 'Released' },
])('the cache does not know the claim of a volume: the server says whether it $what', async ({ isThere, phase }) => {
  const api = new FakeApi({ clock: new FakeClock(), random: new FakeRandom() });
  const claims = api.resource<PersistentVolumeClaim>(persistentVolumeClaims);
  const volumes = api.resource<PersistentVolume>(persistentVolumes);
  const claim = { name: 'data', namespace: 'default' };
  const { metadata } = await claims.create({ metadata: claim, spec: { volumeName: 'v' } });
  if (!isThere) await claims.delete('data', 'default');
  const claimRef = { ...claim, uid: metadata.uid! };
  await volumes.create({ metadata: { name: 'v' }, spec: { claimRef, persistentVolumeReclaimPolicy: 'Delete' } });
  answerReads(api, 'persistentvolumeclaims', seesNothing);
  harness = startControllers({ names: ['persistentvolume-binder-controller'], api });
  await harness.settle();
  expect((await volumes.get('v')).status?.phase).toBe(phase);
  expect(harness.errors).toEqual([]);
});
