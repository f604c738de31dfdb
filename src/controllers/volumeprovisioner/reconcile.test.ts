import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { nodeToClear, volumeOf, wantedVolume } from './reconcile.ts';

const ours: StorageClass = { metadata: { name: 'fast' }, provisioner: 'portico.dev/local-path' };
const claim: PersistentVolumeClaim = {
  metadata: {
    name: 'data',
    namespace: 'default',
    uid: 'u1',
    annotations: { 'volume.kubernetes.io/selected-node': 'node-2' },
  },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};
const made = volumeOf(claim, ours, { volumeName: 'pvc-u1', nodeName: 'node-2', path: '/v/pvc-u1' });

test('a claim with a node gets a volume of that node', () => {
  expect(wantedVolume(claim, ours, [])).toEqual({ volumeName: 'pvc-u1', nodeName: 'node-2' });
  expect(made.spec).toMatchObject({
    capacity: { storage: '1Gi' },
    local: { path: '/v/pvc-u1' },
    claimRef: { name: 'data', namespace: 'default', uid: 'u1' },
    persistentVolumeReclaimPolicy: 'Delete',
    storageClassName: 'fast',
  });
});

test.each<[string, PersistentVolumeClaim, StorageClass | undefined, PersistentVolume[]]>([
  ['without a node', { ...claim, metadata: { ...claim.metadata, annotations: {} } }, ours, []],
  ['of another class', claim, { ...ours, provisioner: 'other' }, []],
  ['of no class', claim, undefined, []],
  ['that is bound', { ...claim, status: { phase: 'Bound' } }, ours, []],
  ['that has one already', claim, ours, [made]],
  ['of blocks', { ...claim, spec: { ...claim.spec, volumeMode: 'Block' } }, ours, []],
])('none for a claim %s', (...[, one, storageClass, volumes]) =>
  expect(wantedVolume(one, storageClass, volumes)).toBeUndefined(),
);

test('a volume whose claim is gone is cleared, unless it is to be kept', () => {
  const released = { ...made, status: { phase: 'Released' } };
  expect(nodeToClear(released)).toBe('node-2');
  expect(nodeToClear({ ...made, status: { phase: 'Bound' } })).toBeUndefined();
  expect(nodeToClear({ ...released, spec: { ...made.spec, persistentVolumeReclaimPolicy: 'Retain' } })).toBeUndefined();
  expect(nodeToClear({ ...released, metadata: { name: 'a' } })).toBeUndefined();
});
