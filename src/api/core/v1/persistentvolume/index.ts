import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { accessModesCell } from '../persistentvolumeclaim/columns.ts';
import { defaultVolumeSource } from '../pod/defaults.ts';
import type { PersistentVolume } from '../types.generated.ts';
import { validatePersistentVolume, validatePersistentVolumeUpdate } from './validation.ts';
import { volumeWarnings } from './warnings.ts';

export const persistentVolume: Kind<PersistentVolume> = {
  returnsDeletedObject: true,
  emptyStatus: () => ({ phase: 'Pending' }),
  strategy: {
    default(object) {
      const { spec } = object;
      object.status ??= {};
      object.status.phase ||= 'Pending';
      spec.persistentVolumeReclaimPolicy ||= 'Retain';
      spec.volumeMode ||= 'Filesystem';
      defaultVolumeSource(spec);
    },
    validate: validatePersistentVolume,
    validateUpdate: validatePersistentVolumeUpdate,
    warnings: volumeWarnings,
  },
  columns: [
    nameColumn,
    column('Capacity', 'How much it holds.'),
    column('Access Modes', 'How it can be mounted.'),
    column('Reclaim Policy', 'What becomes of it when its claim goes.'),
    column('Status', 'Available, Bound, Released or Failed.'),
    column('Claim', 'The claim that it is bound to.'),
    column('StorageClass', 'Its class.'),
    column('VolumeAttributesClass', 'Its class of attributes.'),
    column('Reason', 'Why it failed.'),
    ageColumn,
    column('VolumeMode', 'File system or block device.', { priority: 1 }),
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.spec.capacity?.storage ?? '0',
    accessModesCell(object.spec.accessModes),
    object.spec.persistentVolumeReclaimPolicy ?? '',
    object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''),
    object.spec.claimRef ? `${object.spec.claimRef.namespace ?? ''}/${object.spec.claimRef.name ?? ''}` : '',
    object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? object.spec.storageClassName ?? '',
    object.spec.volumeAttributesClassName ?? '<unset>',
    object.status?.reason ?? '',
    ageCell(object, now),
    object.spec.volumeMode ?? '<unset>',
  ],
};
