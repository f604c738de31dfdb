import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { validateInlineVolume } from '../../core/v1/persistentvolume/validation.ts';
import { validateCSIDriverName } from '../../core/v1/volume-sources.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { immutable } from '../../validation/values.ts';
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from './types.generated.ts';

const { required, forbidden, invalid, tooLong } = fieldError;

const maxMetadataBytes = 256 * 1024;
const maxErrorBytes = 1024;
const sourceField = 'spec.source';

function validate({ spec, status }: VolumeAttachment): FieldError[] {
  return [
    ...(spec.attacher ? [] : [required('spec.attacher')]),
    ...validateSource(spec.source ?? {}),
    ...nameErrors(dns1123Subdomain, 'spec.nodeName', spec.nodeName ?? ''),
    ...validateStatus(status),
  ];
}

/** What is asked of new ones only: older versions of the API let other names in. */
function validateNames({ spec: { attacher, source } }: VolumeAttachment): FieldError[] {
  const volume = source?.persistentVolumeName;
  return [
    ...(attacher ? validateCSIDriverName('spec.attacher', attacher) : []),
    ...(volume === undefined ? [] : nameErrors(dns1123Subdomain, `${sourceField}.persistentVolumeName`, volume)),
  ];
}

function validateSource({ persistentVolumeName, inlineVolumeSpec }: VolumeAttachmentSource): FieldError[] {
  const why = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inlineVolumeSpec) {
    if (persistentVolumeName !== undefined) return [forbidden(sourceField, why)];
    return validateInlineVolume(inlineVolumeSpec, `${sourceField}.inlineVolumeSpec`);
  }
  if (persistentVolumeName === undefined) return [required(sourceField, why)];
  if (persistentVolumeName) return [];
  return [required(`${sourceField}.persistentVolumeName`, 'must specify non empty persistentVolumeName')];
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

function validateError({ message = '', errorCode = 0 }: VolumeError = {}, path: string): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream names the limit of the metadata.
  if (Buffer.byteLength(message) > maxErrorBytes) errors.push(tooLong(`${path}.message`, maxMetadataBytes));
  if (errorCode < 0) {
    errors.push(invalid(`${path}.errorCode`, errorCode, 'must be between 0 and 2147483647, inclusive'));
  }
  return errors;
}

/** As upstream prints its own type, which has no JSON names. */
function printedSpec({ attacher, source, nodeName }: VolumeAttachment['spec']): unknown {
  const { persistentVolumeName = null, inlineVolumeSpec = null } = source ?? {};
  return {
    Attacher: attacher,
    Source: { PersistentVolumeName: persistentVolumeName, InlineVolumeSpec: inlineVolumeSpec },
    NodeName: nodeName,
  };
}

/** A volume on its way to a node, or there. */
export const volumeAttachment: Kind<VolumeAttachment> = {
  returnsDeletedObject: true,
  allowUnconditionalUpdate: false,
  emptyStatus: () => ({ attached: false }),
  statusKeeps: 'metadata',
  strategy: {
    validate: (object) => [...validate(object), ...validateNames(object)],
    validateUpdate: (object, old) => [...validate(object), ...immutable('spec', object.spec, old.spec, printedSpec)],
    validateStatusUpdate: validate,
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
