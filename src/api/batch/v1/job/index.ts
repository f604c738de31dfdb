import { age, humanDuration } from '../../../../apimachinery/duration.ts';
import { quoted } from '../../../../apimachinery/json/go-text.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import {
  containerCells,
  containersColumn,
  defaultTemplate,
  imagesColumn,
  isNewGeneration,
  nameWarnings,
  selectorCell,
  selectorColumn,
  templateWarnings,
} from '../../../workload.ts';
import type { Job, JobSpec } from '../types.generated.ts';
import { validateJobStatus } from './status.ts';
import { controllerUidLabel, jobNameLabel, validateJob, validateJobUpdate } from './validation.ts';

export function defaultJobSpec(spec: JobSpec): void {
  // Neither given: one Pod that must succeed. With parallelism alone the Pods agree among themselves.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  defaultTemplate(spec.template);
}

/** The controller knows its Pods by these labels, unless the author said how to (`manualSelector`). */
function generateSelector({ metadata, spec }: Job): void {
  if (spec.manualSelector || !metadata.uid || !spec.template) return;
  const uid = metadata.uid;
  spec.template.metadata ??= {};
  spec.template.metadata.labels = {
    [controllerUidLabel]: uid,
    [jobNameLabel]: metadata.name,
    'controller-uid': uid,
    'job-name': metadata.name,
    // What the author says stays, for validation to refuse where it contradicts.
    ...spec.template.metadata.labels,
  };
  spec.selector ??= {};
  spec.selector.matchLabels = { [controllerUidLabel]: uid, ...spec.selector.matchLabels };
}

function labelAsTemplate({ metadata, spec }: Job): void {
  const labels = spec.template?.metadata?.labels;
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
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

/** Of a Job's spec, wherever it stands. */
export function jobSpecWarnings(spec: JobSpec | undefined, path: string): string[] {
  const { completionMode, completions = 0, parallelism = 0, template } = spec ?? {};
  const isMuch = completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000;
  const why =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  return [...(isMuch ? [`${path}: ${why}`] : []), ...templateWarnings(template, `${path}.template`)];
}

/** In batch/v1, as it always was. */
const keptPods =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

export const job: Kind<Job> = {
  orphansByDefault: { warning: keptPods },
  strategy: {
    default: ({ spec }) => defaultJobSpec(spec),
    prepareForCreate(job) {
      // A Job without labels has its template's; where those are all generated, it comes by them afterwards.
      labelAsTemplate(job);
      generateSelector(job);
      labelAsTemplate(job);
    },
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    validateStatusUpdate: validateJobStatus,
    warnings: (object, old) => [
      ...(old ? [] : nameWarnings(object.metadata.name)),
      ...(isNewGeneration(object, old) ? jobSpecWarnings(object.spec, 'spec') : []),
    ],
  },
  countsGeneration: true,
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  unselectable: (field) => `field label ${quoted(field)} not supported for batchv1.Job`,
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
