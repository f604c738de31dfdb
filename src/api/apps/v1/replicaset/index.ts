import type { FieldError } from '../../../../apimachinery/validation/field-error.ts';
import type { Kind } from '../../../define.ts';
import { replicasCells, replicasKind, replicasStrategy } from '../../../replicas.ts';
import { printedSelector } from '../../../validation/printed.ts';
import { immutable, nonNegative } from '../../../validation/values.ts';
import {
  defaultTemplate,
  selectorCell,
  validateWorkloadSelector,
  validateWorkloadTemplate,
} from '../../../workload.ts';
import type { ReplicaSet } from '../types.generated.ts';

function validate({ spec }: ReplicaSet): FieldError[] {
  return [
    ...nonNegative('spec.replicas', spec.replicas),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateWorkloadSelector(spec.selector, 'deployment'),
    ...validateWorkloadTemplate(spec.template, {
      selector: spec.selector,
      brokenSelector: 'invalid label selector',
      noDeadlineIn: 'ReplicaSet',
    }),
  ];
}

export const replicaSet: Kind<ReplicaSet> = {
  ...replicasKind,
  strategy: {
    default({ spec }) {
      spec.replicas ??= 1;
      if (spec.minReadySeconds === 0) delete spec.minReadySeconds;
      defaultTemplate(spec.template);
    },
    validate,
    validateUpdate: (object, old) => [
      // Upstream looks twice: as at a new one, and as at an old one.
      ...validate(object),
      ...validate(object),
      ...immutable('spec.selector', object.spec.selector, old.spec.selector, printedSelector),
    ],
    ...replicasStrategy,
  },
  cells: (object, now) => replicasCells(object, now, selectorCell(object.spec.selector)),
};
