import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { decideClaim, phaseOf } from './reconcile.ts';

type VolumeSpec = NonNullable<PersistentVolume['spec']>;
type ClaimSpec = NonNullable<PersistentVolumeClaim['spec']>;

function volume(name: string, storage: string, spec: Partial<VolumeSpec> = {}): PersistentVolume {
  return {
    metadata: { name, labels: { name } },
    spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], ...spec },
  };
}

function claim(spec: Partial<ClaimSpec> = {}, phase = 'Pending'): PersistentVolumeClaim {
  const resources = { requests: { storage: '5Gi' } };
  return {
    metadata: { name: 'data', namespace: 'default', uid: 'claim' },
    spec: { accessModes: ['ReadWriteOnce'], resources, ...spec },
    status: { phase },
  };
}

const ref = (name: string, uid?: string) => ({ claimRef: { namespace: 'default', name, ...(uid && { uid }) } });
const later: StorageClass = { metadata: { name: 'l' }, provisioner: 'p', volumeBindingMode: 'WaitForFirstConsumer' };
const now: StorageClass = { metadata: { name: 'n' }, provisioner: 'p' };

function decide(one: PersistentVolumeClaim, volumes: PersistentVolume[], storageClass?: StorageClass): string {
  const found = decideClaim({ claim: one, volumes, storageClass });
  if (found.kind === 'bind') return `bind ${found.volume.metadata.name}`;
  return found.kind === 'wait' ? found.reason : found.kind;
}

test.each<[string, string, PersistentVolume[], Partial<ClaimSpec>]>([
  ['the smallest that is large enough', 'bind b', [volume('a', '50Gi'), volume('b', '6Gi'), volume('c', '1Gi')], {}],
  ['one that is kept for it', 'bind a', [volume('a', '50Gi', ref('data')), volume('b', '6Gi')], {}],
  ['none that is another’s', 'FailedBinding', [volume('a', '50Gi', ref('other'))], {}],
  ['none of a former claim of that name', 'FailedBinding', [volume('a', '50Gi', ref('data', 'old'))], {}],
  ['none of another class', 'FailedBinding', [volume('a', '50Gi', { storageClassName: 'fast' })], {}],
  ['none that cannot be written by many', 'FailedBinding', [volume('a', '50Gi')], { accessModes: ['ReadWriteMany'] }],
  [
    'the one that is selected',
    'bind a',
    [volume('a', '50Gi'), volume('b', '6Gi')],
    { selector: { matchLabels: { name: 'a' } } },
  ],
  ['the one that is named', 'bind a', [volume('a', '50Gi'), volume('b', '6Gi')], { volumeName: 'a' }],
])('%s', (...[, expected, volumes, spec]) => expect(decide(claim(spec), volumes)).toBe(expected));

test('classes say who makes a volume, and when', () => {
  const spec = { storageClassName: 'n' };
  expect(decide(claim(spec), [], now)).toBe('ExternalProvisioning');
  expect(decide(claim(spec), [])).toBe('ProvisioningFailed');
  expect(decide(claim(spec), [volume('a', '9Gi', spec)], later)).toBe('WaitForFirstConsumer');
});

test('a claim whose volume is gone is lost', () => {
  expect(decide(claim({ volumeName: 'a' }, 'Bound'), [])).toBe('lost');
  expect(decide(claim({ volumeName: 'a' }, 'Bound'), [volume('a', '9Gi', ref('data', 'claim'))])).toBe('nothing');
});

test.each([
  [{}, undefined, 'Available'],
  [ref('data'), undefined, 'Available'],
  [ref('data', 'claim'), claim(), 'Bound'],
  [ref('data', 'claim'), undefined, 'Released'],
])('the phase of a volume with %j', (spec, one, expected) =>
  expect(phaseOf(volume('a', '9Gi', spec), one)).toBe(expected),
);
