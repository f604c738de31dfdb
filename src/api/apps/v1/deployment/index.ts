import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { printedSelector } from '../../../validation/printed.ts';
import { immutable, nonNegative } from '../../../validation/values.ts';
import {
  containerCells,
  containersColumn,
  defaultTemplate,
  imagesColumn,
  internalStrategy,
  isZero,
  notMoreThanAll,
  selectorCell,
  selectorColumn,
  validateCollisionCount,
  validateIntOrPercent,
  validateReplicaCounts,
  validateWorkloadSelector,
  validateWorkloadTemplate,
  workloadWarnings,
} from '../../../workload.ts';
import type { Deployment } from '../types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

function defaultDeployment({ spec }: Deployment): void {
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  if (spec.minReadySeconds === 0) delete spec.minReadySeconds;
  if (spec.paused === false) delete spec.paused;
  defaultTemplate(spec.template);
}

function validate({ spec }: Deployment): FieldError[] {
  const errors = [
    ...nonNegative('spec.replicas', spec.replicas),
    ...validateWorkloadSelector(spec.selector, 'deployment'),
    ...validateWorkloadTemplate(spec.template, {
      selector: spec.selector,
      brokenSelector: 'invalid label selector',
      noDeadlineIn: 'ReplicaSet',
    }),
    ...validateStrategy({ spec } as Deployment),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ];
  const deadline = spec.progressDeadlineSeconds;
  errors.push(...nonNegative('spec.progressDeadlineSeconds', deadline));
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

function validateStrategy({ spec }: Deployment): FieldError[] {
  const { type = '', rollingUpdate } = spec.strategy ?? {};
  const path = 'spec.strategy.rollingUpdate';
  if (type === 'Recreate') {
    return rollingUpdate ? [forbidden(path, "may not be specified when strategy `type` is 'Recreate'")] : [];
  }
  if (type !== 'RollingUpdate') {
    return [notSupported('spec.strategy', internalStrategy(type, rollingUpdate), ['Recreate', 'RollingUpdate'])];
  }
  if (!rollingUpdate) return [required(path, 'this should be defaulted and never be nil')];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors = [
    ...validateIntOrPercent(`${path}.maxUnavailable`, maxUnavailable),
    ...validateIntOrPercent(`${path}.maxSurge`, maxSurge),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  return [...errors, ...notMoreThanAll(`${path}.maxUnavailable`, maxUnavailable)];
}

function validateStatus({ status = {} }: Deployment, old: Deployment): FieldError[] {
  const counts = ['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas'] as const;
  const errors = validateReplicaCounts(status, {
    availableOfReady: true,
    counts: [...counts, 'unavailableReplicas', 'terminatingReplicas', 'collisionCount'],
    parts: ['updatedReplicas', 'readyReplicas', 'availableReplicas'],
  });
  return [...errors, ...validateCollisionCount(status, old.status)];
}

export const deployment: Kind<Deployment> = {
  strategy: {
    default: defaultDeployment,
    validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...immutable('spec.selector', object.spec.selector, old.spec.selector, printedSelector),
    ],
    validateStatusUpdate: validateStatus,
    warnings: workloadWarnings,
  },
  statusKeeps: 'labels',
  countsGeneration: 'with annotations',
  columns: [
    nameColumn,
    column('Ready', 'Replicas that are ready, of those wanted.'),
    column('Up-to-date', 'Replicas made from the present template.', { type: 'string' }),
    column('Available', 'Replicas that have been ready for minReadySeconds.', { type: 'string' }),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    `${object.status?.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`,
    object.status?.updatedReplicas ?? 0,
    object.status?.availableReplicas ?? 0,
    ageCell(object, now),
    ...containerCells(object.spec.template),
    selectorCell(object.spec.selector),
  ],
};
