// Kinds of the core group of which only the table is their own.

import type { KubeObject } from '../../../apimachinery/object.ts';
import { ageCell, ageColumn, anyKind, column, type Kind, nameColumn } from '../../define.ts';
import type { PersistentVolume, PersistentVolumeClaim } from './types.generated.ts';

const accessModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function modes(list: readonly string[] | undefined): string {
  return [...new Set((list ?? []).map((mode) => accessModes[mode] ?? mode))].join(',');
}

const persistentVolume: Kind<PersistentVolume> = {
  returnsDeletedObject: true,
  emptyStatus: () => ({ phase: 'Pending' }),
  strategy: {
    default({ spec }) {
      spec.persistentVolumeReclaimPolicy ||= 'Retain';
      spec.volumeMode ||= 'Filesystem';
    },
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
    object.spec.capacity?.storage ?? '',
    modes(object.spec.accessModes),
    object.spec.persistentVolumeReclaimPolicy ?? '',
    object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''),
    object.spec.claimRef ? `${object.spec.claimRef.namespace}/${object.spec.claimRef.name}` : '',
    object.spec.storageClassName ?? '',
    object.spec.volumeAttributesClassName ?? '<unset>',
    object.status?.reason ?? '',
    ageCell(object, now),
    object.spec.volumeMode ?? '<unset>',
  ],
};

const persistentVolumeClaim: Kind<PersistentVolumeClaim> = {
  returnsDeletedObject: true,
  emptyStatus: () => ({ phase: 'Pending' }),
  strategy: {
    default({ spec }) {
      spec.volumeMode ||= 'Filesystem';
    },
  },
  columns: [
    nameColumn,
    column('Status', 'Pending, Bound or Lost.'),
    column('Volume', 'The volume that it is bound to.'),
    column('Capacity', 'How much that holds.'),
    column('Access Modes', 'How it can be mounted.'),
    column('StorageClass', 'Its class.'),
    column('VolumeAttributesClass', 'Its class of attributes.'),
    ageColumn,
    column('VolumeMode', 'File system or block device.', { priority: 1 }),
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''),
    object.spec.volumeName ?? '',
    object.spec.volumeName ? (object.status?.capacity?.storage ?? '') : '',
    object.spec.volumeName ? modes(object.status?.accessModes) : '',
    object.spec.storageClassName ?? '',
    object.spec.volumeAttributesClassName ?? '<unset>',
    ageCell(object, now),
    object.spec.volumeMode ?? '<unset>',
  ],
};

export const coreTables: Readonly<Record<string, Kind<KubeObject>>> = {
  persistentvolumes: anyKind(persistentVolume),
  persistentvolumeclaims: anyKind(persistentVolumeClaim),
};
