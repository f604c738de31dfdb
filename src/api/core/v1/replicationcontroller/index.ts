import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateReplicaSetStatus } from '../../../apps/v1/replicaset/index.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { formatLabels } from '../../../printing.ts';
import { nonNegative } from '../../../validation/values.ts';
import {
  containerCells,
  containersColumn,
  defaultTemplate,
  imagesColumn,
  nameWarnings,
  selectorColumn,
  templateWarnings,
  validateWorkloadTemplate,
} from '../../../workload.ts';
import type { ReplicationController } from '../types.generated.ts';

function validate({ spec }: ReplicationController): FieldError[] {
  const selector = spec.selector ?? {};
  return [
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...(Object.keys(selector).length === 0 ? [fieldError.required('spec.selector')] : []),
    ...nonNegative('spec.replicas', spec.replicas),
    ...validateWorkloadTemplate(spec.template, 'spec.template', {
      selector: { matchLabels: selector },
      restartPolicies: ['Always'],
      noDeadlineIn: 'ReplicationController',
    }),
  ];
}

export const replicationController: Kind<ReplicationController> = {
  countsGeneration: true,
  emptyStatus: () => ({ replicas: 0 }),
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  strategy: {
    default({ spec, metadata }) {
      spec.replicas ??= 1;
      const labels = spec.template?.metadata?.labels;
      spec.selector ??= labels && { ...labels };
      if (labels) metadata.labels ??= { ...labels };
      defaultTemplate(spec.template);
    },
    validate,
    validateUpdate: validate,
    validateStatusUpdate: validateReplicaSetStatus,
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : nameWarnings(metadata.name)),
      ...templateWarnings(spec.template, 'spec.template'),
    ],
  },
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
    formatLabels(object.spec.selector),
  ],
};
