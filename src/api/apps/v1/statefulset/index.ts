import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import { validateClaimSpec } from '../../../core/v1/persistentvolumeclaim/spec.ts';
import { claimSpecWarnings } from '../../../core/v1/persistentvolumeclaim/warnings.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { validateOptionalName } from '../../../validation/references.ts';
import { nonNegative } from '../../../validation/values.ts';
import {
  containerCells,
  containersColumn,
  defaultTemplate,
  imagesColumn,
  isNewGeneration,
  isZero,
  notMoreThanAll,
  templateWarnings,
  validateCollisionCount,
  validateIntOrPercent,
  validateReplicaCounts,
  validateWorkloadSelector,
  validateWorkloadTemplate,
} from '../../../workload.ts';
import type { RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetSpec } from '../types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

function defaultStatefulSet({ spec }: StatefulSet): void {
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  // One who names the type is left with it, as upstream leaves them.
  if (!spec.updateStrategy.type) {
    spec.updateStrategy.type = 'RollingUpdate';
    spec.updateStrategy.rollingUpdate ??= {};
  }
  const { type, rollingUpdate } = spec.updateStrategy;
  if (type === 'RollingUpdate' && rollingUpdate) rollingUpdate.partition ??= 0;
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  if (spec.minReadySeconds === 0) delete spec.minReadySeconds;
  defaultTemplate(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ??= 'v1';
    claim.kind ??= 'PersistentVolumeClaim';
    claim.spec ??= {};
    claim.spec.volumeMode ??= 'Filesystem';
    claim.status ??= {};
    claim.status.phase ||= 'Pending';
  }
}

/** `isNew`: what can never change is looked at once, and what is kept from before stays. */
function validate({ spec }: StatefulSet, { isNew }: { readonly isNew: boolean }): FieldError[] {
  const errors: FieldError[] = [];
  const policy = spec.podManagementPolicy ?? '';
  if (policy === '') errors.push(required('spec.podManagementPolicy'));
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.push(invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  const { type = '', rollingUpdate } = spec.updateStrategy ?? {};
  if (type === '') errors.push(required('spec.updateStrategy'));
  else if (type === 'OnDelete') {
    if (rollingUpdate) {
      const why = "only allowed for updateStrategy 'RollingUpdate'";
      errors.push(invalid('spec.updateStrategy.rollingUpdate', internalUpdate(rollingUpdate), why));
    }
  } else if (type === 'RollingUpdate') {
    errors.push(...validateRollingUpdate(rollingUpdate, 'spec.updateStrategy.rollingUpdate'));
  } else {
    const value = { Type: type, RollingUpdate: rollingUpdate ? internalUpdate(rollingUpdate) : null };
    errors.push(invalid('spec.updateStrategy', value, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  const retention = spec.persistentVolumeClaimRetentionPolicy ?? {};
  for (const when of ['whenDeleted', 'whenScaled'] as const) {
    const value = retention[when];
    if (value === 'Retain' || value === 'Delete') continue;
    errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${when}`, value ?? '', ['Retain', 'Delete']));
  }
  const claims = isNew ? (spec.volumeClaimTemplates ?? []) : [];
  return [
    ...errors,
    ...claims.flatMap((claim, i) => validateClaimSpec(claim.spec, `spec.volumeClaimTemplates[${i}].spec`)),
    ...nonNegative('spec.replicas', spec.replicas),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.ordinals.start', spec.ordinals?.start),
    ...(isNew ? validateOptionalName('spec.serviceName', spec.serviceName, dns1123Label) : []),
    ...validateWorkloadSelector(spec.selector, 'statefulset'),
    ...validateWorkloadTemplate(withClaims(spec), {
      selector: spec.selector,
      brokenSelector: '',
      noDeadlineIn: 'StatefulSet',
    }),
  ];
}

function validateRollingUpdate(update: RollingUpdateStatefulSetStrategy | undefined, path: string): FieldError[] {
  const { partition, maxUnavailable } = update ?? {};
  const errors = nonNegative(`${path}.partition`, partition);
  if (maxUnavailable === undefined) return errors;
  const field = `${path}.maxUnavailable`;
  return [
    ...errors,
    ...validateIntOrPercent(field, maxUnavailable),
    ...(isZero(maxUnavailable) ? [invalid(field, maxUnavailable, 'cannot be 0')] : []),
    ...notMoreThanAll(field, maxUnavailable),
  ];
}

/** As errors print it: upstream's own type has no JSON names. */
function internalUpdate({
  partition = 0,
  maxUnavailable = null,
}: {
  readonly partition?: number;
  readonly maxUnavailable?: number | string | null;
}): object {
  return { Partition: partition, MaxUnavailable: maxUnavailable };
}

/** The template as its pods will be: containers may mount what the claim templates name. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSetSpec): StatefulSetSpec['template'] {
  if (!template?.spec || volumeClaimTemplates.length === 0) return template;
  const volumes = template.spec.volumes ?? [];
  const claimed = volumeClaimTemplates
    .map(({ metadata }) => metadata?.name ?? '')
    .filter((name) => name !== '' && !volumes.some((volume) => volume.name === name))
    .map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...template.spec, volumes: [...volumes, ...claimed] } };
}

function validateUpdate(object: StatefulSet, old: StatefulSet): FieldError[] {
  const fixed = (spec: StatefulSetSpec): unknown => {
    const rest: Partial<StatefulSetSpec> = { ...spec };
    for (const field of changeable) delete rest[field];
    return rest;
  };
  const errors = validate(object, { isNew: false });
  if (!deepEqual(fixed(object.spec), fixed(old.spec))) {
    const list = changeable.slice(0, -1).map((field) => `'${field}'`);
    const why = `updates to statefulset spec for fields other than ${list.join(', ')} and '${changeable.at(-1)}' are forbidden`;
    errors.push(forbidden('spec', why));
  }
  return errors;
}

function validateStatus({ status }: StatefulSet, old: StatefulSet): FieldError[] {
  const parts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;
  const errors = validateReplicaCounts(status ?? { replicas: 0 }, {
    counts: ['replicas', ...parts, 'observedGeneration', 'collisionCount'],
    parts,
  });
  const { availableReplicas = 0, readyReplicas = 0 } = status ?? {};
  if (availableReplicas > readyReplicas) {
    errors.push(invalid('status.availableReplicas', availableReplicas, 'cannot be greater than status.readyReplicas'));
  }
  return [...errors, ...validateCollisionCount(status, old.status)];
}

function warnings(object: StatefulSet, old: StatefulSet | undefined): string[] {
  const { template, volumeClaimTemplates = [], revisionHistoryLimit = 0 } = object.spec;
  const keepsAll =
    'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';
  return [
    ...(isNewGeneration(object, old) ? templateWarnings(template, 'spec.template') : []),
    // Upstream's path is one way for new ones, and another for changed ones.
    ...volumeClaimTemplates.flatMap(({ spec }, i) =>
      claimSpecWarnings(spec, `spec.volumeClaimTemplates[${i}]${old ? '.Spec' : ''}`),
    ),
    ...(revisionHistoryLimit < 0 ? [keepsAll] : []),
  ];
}

export const statefulSet: Kind<StatefulSet> = {
  nameRule: dns1123Label,
  strategy: {
    default: defaultStatefulSet,
    validate: (object) => validate(object, { isNew: true }),
    validateUpdate,
    validateStatusUpdate: validateStatus,
    warnings,
  },
  countsGeneration: true,
  emptyStatus: () => ({ replicas: 0, availableReplicas: 0 }),
  columns: [
    nameColumn,
    column('Ready', 'Replicas that are ready, of those wanted.'),
    ageColumn,
    containersColumn,
    imagesColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    `${object.status?.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`,
    ageCell(object, now),
    ...containerCells(object.spec.template),
  ],
};
