import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { compareQuantities } from '../../../../apimachinery/quantity.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import {
  amountOf,
  isNativeResource,
  validateBasicQuantity,
  validateResourceQuantity,
} from '../../../validation/quantities.ts';
import { immutable } from '../../../validation/values.ts';
import { internalDiff, internalForm } from '../pod/internal-form.ts';
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  TypedLocalObjectReference,
} from '../types.generated.ts';
import { accessModesCell } from './columns.ts';
import { validateClaimSpec } from './spec.ts';
import { claimWarnings, classAnnotation } from './warnings.ts';

const { forbidden, invalid, notSupported } = fieldError;

/** What every client may name in the older of the two fields; anything else there has always been left out. */
function isClaimOrSnapshot({ apiGroup, kind }: TypedLocalObjectReference): boolean {
  const group = kind === 'VolumeSnapshot' ? 'snapshot.storage.k8s.io' : '';
  return (kind === 'VolumeSnapshot' || kind === 'PersistentVolumeClaim') && (apiGroup ?? '') === group;
}

/**
 * The two fields that say what a volume is filled from agree. A source in another namespace is no field of a server
 * with 1.36's default feature gates (CrossNamespaceVolumeDataSource is off).
 */
function settleDataSources(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec = {}): void {
  if (spec.dataSourceRef?.namespace && !old.dataSourceRef) delete spec.dataSourceRef;
  const isNew = !old.dataSource && !old.dataSourceRef && !spec.dataSourceRef;
  if (isNew && spec.dataSource && !isClaimOrSnapshot(spec.dataSource)) delete spec.dataSource;
  const { dataSource, dataSourceRef } = spec;
  if (dataSourceRef?.namespace) return;
  if (dataSource && !dataSourceRef) {
    spec.dataSourceRef = { ...dataSource };
  } else if (dataSourceRef && !dataSource) {
    const { namespace: _namespace, ...local } = dataSourceRef;
    spec.dataSource = local;
  }
}

function validateUpdate(object: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = validateClaimSpec(object.spec, 'spec');
  const [now, before] = comparedSpecs(object, old);
  const [annotation, was] = [object, old].map(({ metadata }) => metadata.annotations?.[classAnnotation] ?? '');
  const upgraded = was !== '' && old.spec.storageClassName === undefined && object.spec.storageClassName === was;
  if (annotation !== was && !(upgraded && annotation === '')) {
    errors.push(invalid(`metadata.annotations.${classAnnotation}`, annotation, 'field is immutable'));
  }
  if (!deepEqual(now, before)) {
    const [a, b] = [before, now].map((spec) => internalForm('PersistentVolumeClaimSpec', spec));
    const why =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbidden('spec', `${why}\n${internalDiff(a, b)}`));
  }
  errors.push(
    ...validateSizeChange(object, old),
    ...immutable('volumeMode', object.spec.volumeMode, old.spec.volumeMode),
  );
  const [name, oldName] = [object.spec.volumeAttributesClassName, old.spec.volumeAttributesClassName];
  if (oldName !== undefined && name !== oldName && !name) {
    const what = name === undefined ? 'nil' : 'an empty string';
    errors.push(forbidden('spec.volumeAttributesClassName', `update from non-nil value to ${what} is forbidden`));
  }
  return errors;
}

/** Both specs without what may differ: a volume and a class that come, and the size of a claim that is bound. */
function comparedSpecs(object: PersistentVolumeClaim, old: PersistentVolumeClaim): PersistentVolumeClaimSpec[] {
  const now = { ...(object.spec ?? {}) };
  const before = { ...(old.spec ?? {}) };
  if (!before.volumeName && now.volumeName) before.volumeName = now.volumeName;
  const annotated = old.metadata.annotations?.[classAnnotation];
  if (before.storageClassName === undefined && (annotated === undefined || annotated === now.storageClassName)) {
    delete now.storageClassName;
  }
  if (object.status?.phase !== 'Bound') return [now, before];
  const { storage: _size, ...others } = now.resources?.requests ?? {};
  const size = before.resources?.requests?.storage;
  if (now.resources?.requests) {
    now.resources = { ...now.resources, requests: { ...others, ...(size !== undefined && { storage: size }) } };
  }
  if (now.volumeAttributesClassName !== undefined) {
    if (before.volumeAttributesClassName === undefined) delete now.volumeAttributesClassName;
    else now.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  return [now, before];
}

/** Back from an expansion that failed, but not below what there is. */
function validateSizeChange(object: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const amount = (text: string | undefined) => amountOf(text ?? '0');
  const [now, before] = [object, old].map(({ spec }) => amount(spec?.resources?.requests?.storage));
  const present = amount(old.status?.capacity?.storage);
  if (!now || !before || compareQuantities(now, before) >= 0) return [];
  if (present && compareQuantities(now, present) > 0) return [];
  return [forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')];
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

function validateStatus({ status = {} }: PersistentVolumeClaim): FieldError[] {
  const states = Object.entries(status.allocatedResourceStatuses ?? {});
  const allocated = Object.entries(status.allocatedResources ?? {});
  return [
    ...Object.entries(status.capacity ?? {}).flatMap(([name, amount]) =>
      validateBasicQuantity(`status.capacity[${name}]`, amount),
    ),
    ...states.flatMap(([name, state]) => [
      ...validateResourceKey('status.allocatedResourceStatus', name),
      ...(resizeStates.includes(state) ? [] : [notSupported('status.allocatedResourceStatus', name, resizeStates)]),
    ]),
    ...allocated.flatMap(([name, amount]) => {
      const wrong = validateResourceKey('status.allocatedResources', name);
      if (wrong.length > 0) return wrong;
      const at = `status.allocatedResources[${name}]`;
      const negative = validateBasicQuantity(at, amount);
      return negative.length > 0 ? negative : validateResourceQuantity(at, 'storage', amount);
    }),
  ];
}

function validateResourceKey(field: string, name: string): FieldError[] {
  const errors = nameErrors(qualifiedName, field, name);
  if (errors.length > 0 || name === 'storage' || !isNativeResource(name)) return errors;
  return [notSupported(field, name, ['storage'])];
}

export const persistentVolumeClaim: Kind<PersistentVolumeClaim> = {
  returnsDeletedObject: true,
  emptyStatus: () => ({ phase: 'Pending' }),
  strategy: {
    default(object) {
      object.spec ??= {};
      object.spec.volumeMode ||= 'Filesystem';
      object.status ??= {};
      object.status.phase ||= 'Pending';
    },
    prepareForCreate: ({ spec }) => settleDataSources(spec ?? {}),
    prepareForUpdate: ({ spec }, old) => settleDataSources(spec ?? {}, old.spec),
    validate: ({ spec }) => validateClaimSpec(spec, 'spec'),
    validateUpdate,
    validateStatusUpdate: validateStatus,
    warnings: claimWarnings,
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
    object.spec?.volumeName ?? '',
    object.spec?.volumeName ? (object.status?.capacity?.storage ?? '0') : '',
    object.spec?.volumeName ? accessModesCell(object.status?.accessModes) : '',
    object.metadata.annotations?.[classAnnotation] ?? object.spec?.storageClassName ?? '',
    object.spec?.volumeAttributesClassName ?? '<unset>',
    ageCell(object, now),
    object.spec?.volumeMode ?? '<unset>',
  ],
};
