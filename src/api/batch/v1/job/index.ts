import { age, humanDuration } from '../../../../apimachinery/duration.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { immutableMessage } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, deepEqual, type Kind, nameColumn } from '../../../define.ts';
import { nonNegative } from '../../../validation/values.ts';
import {
  containerCells,
  containersColumn,
  defaultTemplate,
  imagesColumn,
  selectorCell,
  selectorColumn,
  validateWorkloadTemplate,
} from '../../../workload.ts';
import type { Job, JobSpec } from '../types.generated.ts';

const { required, invalid, notSupported } = fieldError;

export function defaultJobSpec(spec: JobSpec): void {
  // Neither given: one Pod that must succeed. With parallelism alone the Pods agree among themselves.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  defaultTemplate(spec.template);
}

/** The controller knows its Pods by these labels, unless the author said how to (`manualSelector`). */
function generateSelector({ metadata, spec }: Job): void {
  if (spec.manualSelector || !metadata.uid) return;
  const uid = metadata.uid;
  spec.template.metadata ??= {};
  spec.template.metadata.labels = {
    ...spec.template.metadata.labels,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': metadata.name,
    'controller-uid': uid,
    'job-name': metadata.name,
  };
  spec.selector ??= { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
}

export function validateJobSpec(spec: JobSpec, path: string): FieldError[] {
  const errors = [
    ...nonNegative(`${path}.parallelism`, spec.parallelism),
    ...nonNegative(`${path}.completions`, spec.completions),
    ...nonNegative(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...nonNegative(`${path}.backoffLimit`, spec.backoffLimit),
    ...nonNegative(`${path}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished),
  ];
  const modes = ['NonIndexed', 'Indexed'];
  if (spec.completionMode !== undefined && !modes.includes(spec.completionMode)) {
    errors.push(notSupported(`${path}.completionMode`, spec.completionMode, modes));
  }
  if (spec.completionMode === 'Indexed' && spec.completions === undefined) {
    errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  }
  const rules = { selector: spec.selector, restartPolicies: ['OnFailure', 'Never'] };
  errors.push(...validateWorkloadTemplate(spec.template, `${path}.template`, rules));
  if (spec.template?.spec?.restartPolicy === 'Always') {
    // Upstream's text for the policy that defaulting fills in: the author has to say which one is meant.
    const at = `${path}.template.spec.restartPolicy`;
    return [...errors.filter(({ field }) => field !== at), required(at, 'valid values: "OnFailure", "Never"')];
  }
  return errors;
}

function validateUpdate(object: Job, old: Job): FieldError[] {
  const errors = validateJobSpec(object.spec, 'spec');
  if (object.spec.completionMode !== 'Indexed' && object.spec.completions !== old.spec.completions) {
    errors.push(invalid('spec.completions', object.spec.completions, immutableMessage));
  }
  for (const field of ['selector', 'template', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex'] as const) {
    // A suspended Job that never ran may still be told where to run.
    if (field === 'template' && old.spec.suspend && old.status?.startTime === undefined) continue;
    if (!deepEqual(object.spec[field], old.spec[field])) {
      errors.push(invalid(`spec.${field}`, object.spec[field], immutableMessage));
    }
  }
  return errors;
}

function jobStatus({ spec, status, metadata }: Job): string {
  const has = (type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (metadata.deletionTimestamp) return 'Terminating';
  if (has('Suspended')) return 'Suspended';
  if (has('FailureTarget')) return 'FailureTarget';
  if (has('SuccessCriteriaMet')) return 'SuccessCriteriaMet';
  return spec ? 'Running' : '';
}

function completions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function duration({ status }: Job, now: number): string {
  if (!status?.startTime) return '';
  if (!status.completionTime) return age(status.startTime, now);
  return humanDuration(Date.parse(status.completionTime) - Date.parse(status.startTime));
}

export const job: Kind<Job> = {
  strategy: {
    default: ({ spec }) => defaultJobSpec(spec),
    prepareForCreate: generateSelector,
    validate: ({ spec }) => validateJobSpec(spec, 'spec'),
    validateUpdate,
  },
  countsGeneration: true,
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  columns: [
    nameColumn,
    column('Status', 'Whether the Job is running or done.'),
    column('Completions', 'Pods that succeeded, of those wanted.'),
    column('Duration', 'How long the Job has run, or took.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    jobStatus(object),
    completions(object),
    duration(object, now),
    ageCell(object, now),
    ...containerCells(object.spec.template),
    selectorCell(object.spec.selector),
  ],
};
