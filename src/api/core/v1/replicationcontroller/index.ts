import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import type { Kind } from '../../../define.ts';
import { formatLabels } from '../../../printing.ts';
import { replicasCells, replicasKind, replicasStrategy } from '../../../replicas.ts';
import { nonNegative } from '../../../validation/values.ts';
import { defaultTemplate, validateWorkloadTemplate } from '../../../workload.ts';
import type { ReplicationController } from '../types.generated.ts';

function validate({ spec }: ReplicationController): FieldError[] {
  const selector = spec.selector ?? {};
  return [
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...(Object.keys(selector).length === 0 ? [fieldError.required('spec.selector')] : []),
    ...nonNegative('spec.replicas', spec.replicas),
    ...validateWorkloadTemplate(spec.template, {
      selector: { matchLabels: selector },
      noDeadlineIn: 'ReplicationController',
    }),
  ];
}

export const replicationController: Kind<ReplicationController> = {
  orphansByDefault: {},
  ...replicasKind,
  strategy: {
    default({ spec, metadata }) {
      spec.replicas ??= 1;
      const labels = spec.template?.metadata?.labels;
      if (labels && Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (labels) metadata.labels ??= { ...labels };
      defaultTemplate(spec.template);
    },
    validate,
    validateUpdate: validate,
    ...replicasStrategy,
  },
  cells: (object, now) => replicasCells(object, now, formatLabels(object.spec.selector)),
};
