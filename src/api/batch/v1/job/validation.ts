// What the API server refuses in a Job, and in the template of one in a CronJob.
import { deepEqual } from '../../../../apimachinery/json/value.ts';
import type { LabelSelector } from '../../../../apimachinery/meta/v1.generated.ts';
import { labelSelectorOf, matchesLabels } from '../../../../apimachinery/selectors/label-selector.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import { internalForm, internalPodTemplate } from '../../../core/v1/pod/internal-form.ts';
import { validatePodTemplate } from '../../../core/v1/pod/validation.ts';
import type { PodTemplateSpec } from '../../../core/v1/types.generated.ts';
import { validateDomainPrefixedPath } from '../../../validation/domain-prefixed-path.ts';
import { printedMap, printedSelector } from '../../../validation/printed.ts';
import { validateLabelSelector } from '../../../validation/selectors.ts';
import { immutable, nonNegative, optionalOneOf } from '../../../validation/values.ts';
import type { Job, JobSpec } from '../types.generated.ts';
import { internalTypes } from './internal-types.ts';
import { validatePodFailurePolicy, validateSuccessPolicy } from './policies.ts';

const { required, invalid, notSupported, tooLong } = fieldError;

export const controllerUidLabel = 'batch.kubernetes.io/controller-uid';
export const jobNameLabel = 'batch.kubernetes.io/job-name';

const maxIndexedParallelism = 100_000;
const maxManagedBy = 63;
const manyCompletions = 100_000;
const mostOfMany = 10_000;

export function validateJob(job: Job): FieldError[] {
  return [
    ...validateGeneratedSelector(job),
    ...validateJobSpec(job.spec, 'spec'),
    ...validateSelector(job.spec),
    ...validateHostnames(job),
  ];
}

/** Unless the author said otherwise, a Job knows its Pods by its own uid. */
function validateGeneratedSelector({ metadata, spec }: Job): FieldError[] {
  if (spec.manualSelector || !metadata.uid) return [];
  const expected = { [controllerUidLabel]: metadata.uid, [jobNameLabel]: metadata.name };
  const labels = spec.template?.metadata?.labels ?? {};
  const errors: FieldError[] = [];
  const all = { 'controller-uid': metadata.uid, 'job-name': metadata.name, ...expected };
  for (const [key, value] of Object.entries(all)) {
    const field = `spec.template.metadata.labels[${key}]`;
    if (labels[key] === undefined) errors.push(required(field, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalid(field, printedMap(labels), `must be '${value}'`));
  }
  if (!matches(spec.selector, all)) {
    errors.push(invalid('spec.selector', printedSelector(spec.selector), '`selector` not auto-generated'));
  }
  return errors;
}

function matches(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>> | undefined): boolean {
  if (!selector || validateLabelSelector(selector, '').length > 0) return true;
  const parsed = labelSelectorOf(selector);
  return !parsed || matchesLabels(parsed, labels);
}

function validateSelector({ selector, template }: JobSpec): FieldError[] {
  const errors = selector ? validateLabelSelector(selector, 'spec.selector') : [required('spec.selector')];
  const labels = template?.metadata?.labels;
  if (matches(selector, labels)) return errors;
  const why = '`selector` does not match template `labels`';
  return [...errors, invalid('spec.template.metadata.labels', printedMap(labels), why)];
}

/** Pods of an indexed Job are hosts with a name: the Job's and the index. */
function validateHostnames({ metadata, spec }: Job): FieldError[] {
  if (spec.completionMode !== 'Indexed' || !spec.completions) return [];
  const hostname = `${metadata.name}-${spec.completions - 1}`;
  if (dns1123Label(hostname).length === 0) return [];
  const why = `will not able to create pod with invalid DNS label: ${hostname}`;
  return [invalid('metadata.name', metadata.name, why)];
}

/** Of the spec itself, wherever it stands; the selector of a Job in a CronJob is made later. */
export function validateJobSpec(spec: JobSpec, path: string): FieldError[] {
  const counts = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const;
  const template = spec.template ?? { spec: { containers: [] } };
  return [
    ...counts.flatMap((name) => nonNegative(`${path}.${name}`, spec[name])),
    ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined
      ? [required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')]
      : []),
    ...validateManagedBy(spec, `${path}.managedBy`),
    ...optionalOneOf(`${path}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed']),
    ...(spec.completionMode === 'Indexed' ? validateIndexed(spec, path) : []),
    ...((spec.completionMode ?? 'NonIndexed') === 'NonIndexed' ? validateNonIndexed(spec, path) : []),
    ...validatePodFailurePolicy(spec, `${path}.podFailurePolicy`),
    ...validateSuccessPolicy(spec, `${path}.successPolicy`),
    ...validateReplacementPolicy(spec, `${path}.podReplacementPolicy`),
    ...validatePodTemplate(template, `${path}.template`),
    ...validateRestartPolicy(template, `${path}.template.spec.restartPolicy`, spec),
  ];
}

function validateManagedBy({ managedBy }: JobSpec, field: string): FieldError[] {
  if (managedBy === undefined) return [];
  const errors = validateDomainPrefixedPath(field, managedBy);
  return Buffer.byteLength(managedBy) > maxManagedBy ? [...errors, tooLong(field, maxManagedBy)] : errors;
}

function validateIndexed(spec: JobSpec, path: string): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes = 0 } = spec;
  const errors: FieldError[] = [];
  if (completions === undefined) {
    errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  }
  const at = `${path}.maxFailedIndexes`;
  if (parallelism > maxIndexedParallelism) {
    const why = `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`;
    errors.push(invalid(`${path}.parallelism`, parallelism, why));
  }
  if (completions !== undefined && maxFailedIndexes > completions) {
    errors.push(invalid(at, maxFailedIndexes, 'must be less than or equal to completions'));
  }
  if (maxFailedIndexes > maxIndexedParallelism) {
    errors.push(invalid(at, maxFailedIndexes, `must be less than or equal to ${maxIndexedParallelism}`));
  }
  return [...errors, ...validateManyIndexes(spec, path)];
}

/** With very many indexes, each with its own limit, fewer may run and fail: the status names them all. */
function validateManyIndexes(spec: JobSpec, path: string): FieldError[] {
  const { completions = 0, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (completions <= manyCompletions || backoffLimitPerIndex === undefined) return [];
  const why = `must be less than or equal to ${mostOfMany} when completions are above ${manyCompletions} and used with backoff limit per index`;
  const at = `${path}.maxFailedIndexes`;
  return [
    ...(maxFailedIndexes === undefined
      ? [required(at, `must be specified when completions is above ${manyCompletions}`)]
      : []),
    ...(parallelism > mostOfMany ? [invalid(`${path}.parallelism`, parallelism, why)] : []),
    ...((maxFailedIndexes ?? 0) > mostOfMany ? [invalid(at, maxFailedIndexes, why)] : []),
  ];
}

function validateNonIndexed(spec: JobSpec, path: string): FieldError[] {
  return (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).flatMap((name) =>
    spec[name] === undefined ? [] : [invalid(`${path}.${name}`, spec[name], 'requires indexed completion mode')],
  );
}

function validateReplacementPolicy({ podReplacementPolicy, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  if (podReplacementPolicy === undefined) return [];
  // What failed is only known when the Pod has ended.
  if (podFailurePolicy) return optionalOneOf(field, podReplacementPolicy, ['Failed']);
  return optionalOneOf(field, podReplacementPolicy, ['Failed', 'TerminatingOrFailed']);
}

/** The policy that defaulting fills in is none of a Job's: the author has to say which one is meant. */
function validateRestartPolicy({ spec }: PodTemplateSpec, field: string, job: JobSpec): FieldError[] {
  const policy = spec?.restartPolicy ?? '';
  if (policy === '' || policy === 'Always') return [required(field, 'valid values: "OnFailure", "Never"')];
  const supported = ['OnFailure', 'Never'];
  if (!supported.includes(policy)) return [notSupported(field, policy, supported)];
  if (!job.podFailurePolicy || policy === 'Never') return [];
  return [invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}

export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const { spec } = job;
  const fixed = ['backoffLimitPerIndex', 'managedBy'] as const;
  const { completionMode, podFailurePolicy, successPolicy } = spec;
  const printed = (type: string) => (policy: object | undefined) =>
    policy ? internalForm(type, policy, internalTypes) : null;
  return [
    ...validateJob(job),
    // Upstream looks twice: as at a new one, and as at an old one.
    ...validateJobSpec(spec, 'spec'),
    ...validateSelector(spec),
    ...validateCompletionsChange(spec, old.spec),
    ...immutable('spec.selector', spec.selector, old.spec.selector, printedSelector),
    ...validateTemplateChange(job, old),
    ...immutable('spec.completionMode', completionMode, old.spec.completionMode),
    ...immutable('spec.podFailurePolicy', podFailurePolicy, old.spec.podFailurePolicy, printed('PodFailurePolicy')),
    ...fixed.flatMap((name) => immutable(`spec.${name}`, spec[name], old.spec[name])),
    ...immutable('spec.successPolicy', successPolicy, old.spec.successPolicy, printed('SuccessPolicy')),
  ];
}

/** An indexed Job may grow and shrink, all its Pods at once. */
function validateCompletionsChange(spec: JobSpec, old: JobSpec): FieldError[] {
  const field = 'spec.completions';
  const { completions, parallelism } = spec;
  if (spec.completionMode !== 'Indexed') return immutable(field, completions, old.completions);
  // That there is none is told of elsewhere.
  if (completions === undefined || completions === old.completions || parallelism === completions) return [];
  return [invalid(field, completions, 'can only be modified in tandem with spec.parallelism')];
}

/** A suspended Job that runs nothing may still be told where its Pods go and what they get. */
function validateTemplateChange({ spec }: Job, old: Job): FieldError[] {
  const before = old.spec.template;
  const { startTime, active = 0, conditions = [] } = old.status ?? {};
  const isHeld = startTime === undefined || conditions.some((c) => c.type === 'Suspended' && c.status === 'True');
  if (!old.spec.suspend || active > 0 || !isHeld) {
    return immutable('spec.template', spec.template, before, internalPodTemplate);
  }
  const fixedPart = ({ metadata, spec: pod }: PodTemplateSpec): unknown => {
    const { labels: _labels, annotations: _annotations, ...meta } = metadata ?? {};
    const {
      nodeSelector: _nodes,
      tolerations: _tolerations,
      schedulingGates: _gates,
      affinity,
      ...rest
    } = pod ?? {
      containers: [],
    };
    const { nodeAffinity: _affinity, ...otherAffinity } = affinity ?? {};
    const containers = rest.containers.map(({ resources: _resources, ...others }) => others);
    const initContainers = (rest.initContainers ?? []).map(({ resources: _resources, ...others }) => others);
    return { meta, spec: { ...rest, containers, initContainers, affinity: otherAffinity } };
  };
  if (deepEqual(fixedPart(spec.template), fixedPart(before))) return [];
  return immutable('spec.template', spec.template, before, internalPodTemplate);
}
