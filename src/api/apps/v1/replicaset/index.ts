import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { immutable, nonNegative } from '../../../validation/values.ts';
import {
  containerCells,
  containersColumn,
  defaultTemplate,
  imagesColumn,
  nameWarnings,
  selectorCell,
  selectorColumn,
  templateWarnings,
  validateReplicaCounts,
  validateWorkloadSelector,
  validateWorkloadTemplate,
} from '../../../workload.ts';
import type { ReplicaSet } from '../types.generated.ts';

function validate({ spec }: ReplicaSet): FieldError[] {
  return [
    ...nonNegative('spec.replicas', spec.replicas),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateWorkloadSelector(spec.selector, 'spec.selector', 'deployment'),
    ...validateWorkloadTemplate(spec.template, 'spec.template', {
      selector: spec.selector,
      restartPolicies: ['Always'],
      noDeadlineIn: 'ReplicaSet',
    }),
  ];
}

/** Of a ReplicationController too. */
export function validateReplicaSetStatus({ status }: Pick<ReplicaSet, 'status'>): FieldError[] {
  const parts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;
  const errors = validateReplicaCounts(status ?? { replicas: 0 }, {
    counts: ['replicas', ...parts, 'observedGeneration'],
    parts,
  });
  const { availableReplicas = 0, readyReplicas = 0 } = status ?? {};
  if (availableReplicas <= readyReplicas) return errors;
  return [
    ...errors,
    fieldError.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'),
  ];
}

export const replicaSet: Kind<ReplicaSet> = {
  strategy: {
    default({ spec }) {
      spec.replicas ??= 1;
      if (spec.minReadySeconds === 0) delete spec.minReadySeconds;
      defaultTemplate(spec.template);
    },
    validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...immutable('spec.selector', object.spec.selector, old.spec.selector),
    ],
    validateStatusUpdate: validateReplicaSetStatus,
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : nameWarnings(metadata.name)),
      ...templateWarnings(spec.template, 'spec.template'),
    ],
  },
  countsGeneration: true,
  emptyStatus: () => ({ replicas: 0 }),
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  columns: [
    nameColumn,
    column('Desired', 'Replicas wanted.', { type: 'integer' }),
    column('Current', 'Replicas that exist.', { type: 'integer' }),
    column('Ready', 'Replicas that are ready.', { type: 'integer' }),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.spec.replicas ?? 0,
    object.status?.replicas ?? 0,
    object.status?.readyReplicas ?? 0,
    ageCell(object, now),
    ...containerCells(object.spec.template),
    selectorCell(object.spec.selector),
  ],
};
