import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { validateInlineVolume } from '../../core/v1/persistentvolume/validation.ts';
import { validateCSIDriverName } from '../../core/v1/volume-sources.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { immutable } from '../../validation/values.ts';
import type { VolumeAttachment, VolumeError } from './types.generated.ts';

const { required, forbidden, tooLong } = fieldError;

const maxMetadataBytes = 256 * 1024;
const maxErrorBytes = 1024;

function validate({ spec, status }: VolumeAttachment): FieldError[] {
  const { persistentVolumeName, inlineVolumeSpec } = spec.source ?? {};
  const errors = [
    ...(spec.attacher ? validateCSIDriverName('spec.attacher', spec.attacher) : [required('spec.attacher')]),
  ];
  if (persistentVolumeName === undefined && inlineVolumeSpec === undefined) {
    const why = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
    errors.push(required('spec.source', why));
  } else if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined) {
    errors.push(forbidden('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (persistentVolumeName !== undefined) {
    if (persistentVolumeName === '')
      errors.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
    else errors.push(...nameErrors(dns1123Subdomain, 'spec.source.persistentVolumeName', persistentVolumeName));
  } else if (inlineVolumeSpec) {
    errors.push(...validateInlineVolume(inlineVolumeSpec, 'spec.source.inlineVolumeSpec'));
  }
  errors.push(...nameErrors(dns1123Subdomain, 'spec.nodeName', spec.nodeName ?? ''));
  return [...errors, ...validateStatus(status)];
}

function validateStatus(status: VolumeAttachment['status']): FieldError[] {
  const entries = Object.entries(status?.attachmentMetadata ?? {});
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  const tooMuch = bytes > maxMetadataBytes ? [tooLong('status.attachmentMetadata', maxMetadataBytes)] : [];
  return [
    ...tooMuch,
    ...validateError(status?.attachError, 'status.attachError'),
    ...validateError(status?.detachError, 'status.detachError'),
  ];
}

function validateError(error: VolumeError | undefined, path: string): FieldError[] {
  return Buffer.byteLength(error?.message ?? '') > maxErrorBytes ? [tooLong(`${path}.message`, maxErrorBytes)] : [];
}

/** A volume on its way to a node, or there. */
export const volumeAttachment: Kind<VolumeAttachment> = {
  allowUnconditionalUpdate: false,
  emptyStatus: () => ({ attached: false }),
  statusKeeps: 'metadata',
  strategy: {
    validate,
    validateUpdate: (object, old) => [...validate(object), ...immutable('spec', object.spec, old.spec)],
    validateStatusUpdate: ({ status }) => validateStatus(status),
  },
  columns: [
    nameColumn,
    column('Attacher', 'Who attaches it.', { format: 'name' }),
    column('PV', 'Which volume.'),
    column('Node', 'To which node.'),
    column('Attached', 'Whether it is there.', { type: 'boolean' }),
    ageColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.spec.attacher,
    object.spec.source.persistentVolumeName ?? '',
    object.spec.nodeName,
    object.status?.attached ?? false,
    ageCell(object, now),
  ],
};
