import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, keepAllButStatus, nameColumn } from '../../../define.ts';
import { formatLabels } from '../../../printing.ts';
import { printedSelector } from '../../../validation/printed.ts';
import { isEmptyLabelSelector, validateLabelSelector } from '../../../validation/selectors.ts';
import { immutable, nonNegative } from '../../../validation/values.ts';
import {
  containerCells,
  containersColumn,
  defaultTemplate,
  imagesColumn,
  internalStrategy,
  isNewGeneration,
  isZero,
  notMoreThanAll,
  selectorCell,
  selectorColumn,
  templateWarnings,
  validateCollisionCount,
  validateIntOrPercent,
  validateWorkloadTemplate,
} from '../../../workload.ts';
import type { DaemonSet } from '../types.generated.ts';

const { required, invalid, notSupported } = fieldError;

function defaultDaemonSet({ spec }: DaemonSet): void {
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  if (spec.minReadySeconds === 0) delete spec.minReadySeconds;
  defaultTemplate(spec.template);
}

function validate({ spec }: DaemonSet): FieldError[] {
  return [
    // One that is missing is told of by the labels that it does not find.
    ...validateLabelSelector(spec.selector, 'spec.selector'),
    ...(spec.selector && isEmptyLabelSelector(spec.selector)
      ? [invalid('spec.selector', spec.selector, 'empty selector is invalid for daemonset')]
      : []),
    ...validateWorkloadTemplate(spec.template, {
      selector: spec.selector,
      noDeadlineIn: 'DaemonSet',
    }),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateStrategy({ spec } as DaemonSet),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ];
}

function validateStrategy({ spec }: DaemonSet): FieldError[] {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  const path = 'spec.updateStrategy.rollingUpdate';
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') {
    const value = internalStrategy(type ?? '', rollingUpdate);
    return [notSupported('spec.updateStrategy', value, ['RollingUpdate', 'OnDelete'])];
  }
  if (!rollingUpdate) return [required(path)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors = [
    ...validateIntOrPercent(`${path}.maxUnavailable`, maxUnavailable),
    ...validateIntOrPercent(`${path}.maxSurge`, maxSurge),
    ...notMoreThanAll(`${path}.maxUnavailable`, maxUnavailable),
    ...notMoreThanAll(`${path}.maxSurge`, maxSurge),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  }
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    errors.push(invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  }
  return errors;
}

/** How often the template changed. It was a field once; the server counts it on, and pods have it as a label. */
const templateGeneration = 'deprecated.daemonset.template.generation';

function generationOf({ metadata }: DaemonSet): number {
  const generation = Number(metadata.annotations?.[templateGeneration]);
  return Number.isSafeInteger(generation) ? Math.max(1, generation) : 1;
}

function setGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

const statusCounts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const;

function validateStatus({ status }: DaemonSet, old: DaemonSet): FieldError[] {
  return [
    ...statusCounts.flatMap((name) => nonNegative(`status.${name}`, status?.[name])),
    ...validateCollisionCount(status, old.status),
  ];
}

export const daemonSet: Kind<DaemonSet> = {
  strategy: {
    default: defaultDaemonSet,
    prepareForCreate: (object) => setGeneration(object, generationOf(object)),
    prepareForUpdate(object, old) {
      const isSame = deepEqual(object.spec.template, old.spec.template);
      setGeneration(object, generationOf(old) + (isSame ? 0 : 1));
    },
    prepareForStatusUpdate(object, old) {
      keepAllButStatus(object, old);
      setGeneration(object, generationOf(old));
    },
    validate,
    validateUpdate: (object, old) => [
      // Upstream looks twice: as at a new one, and as at an old one.
      ...validate(object),
      ...validate(object),
      ...immutable('spec.selector', object.spec.selector, old.spec.selector, printedSelector),
    ],
    validateStatusUpdate: validateStatus,
    warnings: (object, old) =>
      isNewGeneration(object, old) ? templateWarnings(object.spec.template, 'spec.template') : [],
  },
  countsGeneration: true,
  emptyStatus: () => ({
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
  }),
  columns: [
    nameColumn,
    column('Desired', 'Nodes that should run the Pod.', { type: 'integer' }),
    column('Current', 'Nodes that run it.', { type: 'integer' }),
    column('Ready', 'Nodes where it is ready.', { type: 'integer' }),
    column('Up-to-date', 'Nodes that run the present template.', { type: 'integer' }),
    column('Available', 'Nodes where it has been ready for minReadySeconds.', { type: 'integer' }),
    column('Node Selector', 'Which nodes run the Pod.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    formatLabels(spec.template.spec?.nodeSelector),
    ageCell({ metadata }, now),
    ...containerCells(spec.template),
    selectorCell(spec.selector),
  ],
};
