import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { decideClaim, decideVolume } from './reconcile.ts';

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

function decide(
  one: PersistentVolumeClaim,
  volumes: PersistentVolume[],
  { storageClass, waitingPods = [] }: { storageClass?: StorageClass; waitingPods?: string[] } = {},
): string {
  const found = decideClaim({ claim: one, volumes, storageClass, waitingPods });
  if (found.kind === 'bind') return `bind ${found.volume.metadata.name}`;
  return found.kind === 'nothing' ? found.kind : `${found.reason}: ${found.message}`;
}

/** That has had a volume. */
function bound(spec: Partial<ClaimSpec>, phase = 'Bound'): PersistentVolumeClaim {
  const { metadata, ...rest } = claim(spec, phase);
  return { metadata: { ...metadata, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, ...rest };
}

const free = 'FailedBinding: no persistent volumes available for this claim and no storage class is set';
const many = ['ReadWriteOnce', 'ReadWriteMany'];
const refused = (why: string) => `VolumeMismatch: Cannot bind to requested volume "a": ${why}`;

test.each<[string, string, PersistentVolume[], Partial<ClaimSpec>]>([
  ['the smallest that is large enough', 'bind b', [volume('a', '50Gi'), volume('b', '6Gi'), volume('c', '1Gi')], {}],
  ['one that can do no more', 'bind a', [volume('a', '50Gi'), volume('b', '6Gi', { accessModes: many })], {}],
  ['one that is kept for it', 'bind a', [volume('a', '50Gi', ref('data')), volume('b', '6Gi')], {}],
  [
    'one that is kept, whatever its class and modes',
    'bind a',
    [volume('a', '50Gi', { ...ref('data'), storageClassName: 'x', accessModes: many }), volume('b', '6Gi')],
    {},
  ],
  ['none that is kept but too small', free, [volume('a', '1Gi', ref('data'))], {}],
  ['none that is kept but of blocks', free, [volume('a', '9Gi', { ...ref('data'), volumeMode: 'Block' })], {}],
  ['none that is another’s', free, [volume('a', '50Gi', ref('other'))], {}],
  ['none of a former claim of that name', free, [volume('a', '50Gi', ref('data', 'old'))], {}],
  ['none of another class', free, [volume('a', '50Gi', { storageClassName: 'fast' })], {}],
  ['none with other attributes', free, [volume('a', '50Gi', { volumeAttributesClassName: 'gold' })], {}],
  ['none that cannot be written by many', free, [volume('a', '50Gi')], { accessModes: ['ReadWriteMany'] }],
  [
    'the one that is selected',
    'bind a',
    [volume('a', '50Gi'), volume('b', '6Gi')],
    { selector: { matchLabels: { name: 'a' } } },
  ],
  ['the one that is named', 'bind a', [volume('a', '50Gi'), volume('b', '6Gi')], { volumeName: 'a' }],
  ['a named one that is kept for it', 'bind a', [volume('a', '50Gi', ref('data'))], { volumeName: 'a' }],
  ['a named one that is not there', 'nothing', [], { volumeName: 'a' }],
  ['a named one that is too small', refused('requested PV is too small'), [volume('a', '1Gi')], { volumeName: 'a' }],
  [
    'a named one of another class',
    refused('storageClassName does not match'),
    [volume('a', '9Gi', { storageClassName: 'x' })],
    { volumeName: 'a' },
  ],
  [
    'a named one of blocks',
    refused('incompatible volumeMode'),
    [volume('a', '9Gi', { volumeMode: 'Block' })],
    { volumeName: 'a' },
  ],
  [
    'a named one that cannot be written by many',
    refused('incompatible accessMode'),
    [volume('a', '9Gi')],
    { volumeName: 'a', accessModes: many },
  ],
  [
    'a named one that is another’s',
    'FailedBinding: volume "a" already bound to a different claim.',
    [volume('a', '9Gi', ref('data', 'old'))],
    { volumeName: 'a' },
  ],
])('%s', (...[, expected, volumes, spec]) => expect(decide(claim(spec), volumes)).toBe(expected));

test('classes say who makes a volume, and when', () => {
  const spec = { storageClassName: 'n' };
  const one = claim(spec);
  expect(decide(one, [], { storageClass: now })).toMatch(/^ExternalProvisioning: /);
  expect(decide(one, [])).toMatch(/^ProvisioningFailed: storageclass/);
  const byHand = { ...now, provisioner: 'kubernetes.io/no-provisioner' };
  expect(decide(one, [], { storageClass: byHand })).toBe(
    'ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
  );
  const volumes = [volume('a', '9Gi', spec)];
  expect(decide(one, volumes, { storageClass: later })).toBe(
    'WaitForFirstConsumer: waiting for first consumer to be created before binding',
  );
  expect(decide(one, volumes, { storageClass: later, waitingPods: ['p'] })).toBe(
    'WaitForPodScheduled: waiting for pod p to be scheduled',
  );
  expect(decide(one, volumes, { storageClass: later, waitingPods: ['p', 'q'] })).toBe(
    'WaitForPodScheduled: waiting for pods p,q to be scheduled',
  );
  const kept = [...volumes, volume('b', '9Gi', { ...spec, ...ref('data', 'claim') })];
  expect(decide(one, kept, { storageClass: later })).toBe('bind b');
});

const lost = 'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!';
const misbound = 'ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly';

test.each<[string, string, PersistentVolume[], PersistentVolumeClaim]>([
  ['keeps it', 'nothing', [volume('a', '9Gi', ref('data', 'claim'))], bound({ volumeName: 'a' })],
  ['has lost it', lost, [], bound({ volumeName: 'a' })],
  [
    'takes it again when it is back',
    'bind a',
    [volume('a', '9Gi', ref('data', 'claim'))],
    bound({ volumeName: 'a' }, 'Lost'),
  ],
  ['takes it again when it was freed', 'bind a', [volume('a', '1Gi')], bound({ volumeName: 'a' })],
  ['has lost it to another', misbound, [volume('a', '9Gi', ref('other', 'x'))], bound({ volumeName: 'a' })],
  ['has lost it to nobody in particular', misbound, [volume('a', '9Gi', ref('data'))], bound({ volumeName: 'a' })],
])('a claim that had a volume %s', (...[, expected, volumes, one]) => expect(decide(one, volumes)).toBe(expected));

const annotated = (annotations: Record<string, string>, spec: Partial<VolumeSpec> = {}): PersistentVolume => {
  const made = volume('a', '9Gi', { ...ref('data', 'claim'), ...spec });
  return { ...made, metadata: { ...made.metadata, annotations } };
};
const elsewhere = claim({ volumeName: 'b' });
const provisioned = { 'pv.kubernetes.io/provisioned-by': 'p' };

test.each<[string, PersistentVolume, PersistentVolumeClaim | undefined, string]>([
  ['free', volume('a', '9Gi'), undefined, 'Available'],
  ['kept', volume('a', '9Gi', ref('data')), undefined, 'Available'],
  ['bound', volume('a', '9Gi', ref('data', 'claim')), claim({ volumeName: 'a' }), 'Bound'],
  ['about to be bound', volume('a', '9Gi', ref('data', 'claim')), claim(), 'nothing'],
  ['left', volume('a', '9Gi', ref('data', 'claim')), undefined, 'Released'],
  ['of a former claim', volume('a', '9Gi', ref('data', 'old')), claim(), 'Released'],
  ['that could not be removed', { ...annotated({}), status: { phase: 'Failed' } }, undefined, 'nothing'],
  ['that we chose in vain', annotated({ 'pv.kubernetes.io/bound-by-controller': 'yes' }), elsewhere, 'unbind'],
  ['that the user chose in vain', annotated({}), elsewhere, 'unbind, kept'],
  ['that was made in vain', annotated(provisioned, { persistentVolumeReclaimPolicy: 'Delete' }), elsewhere, 'Released'],
])('a volume that is %s', (_, one, its, expected) => {
  const decision = decideVolume(one, its);
  const said = decision.kind === 'unbind' && decision.keepName ? 'unbind, kept' : decision.kind;
  expect(decision.kind === 'phase' ? decision.phase : said).toBe(expected);
});
