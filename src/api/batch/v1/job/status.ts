// What the API server refuses in the status of a Job, whoever looks after it. Most is looked at only where it changed:
// what once was wrong does not stand in the way of another change, nor does a spec that changed since.
import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { nonNegative } from '../../../validation/values.ts';
import type { Job, UncountedTerminatedPods } from '../types.generated.ts';
import { finishedCondition } from './facts.ts';
import { countIndexes, sharedIndex } from './indexes.ts';

const { required, invalid, invalidUnprinted, duplicate } = fieldError;

type Condition = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet';

function has({ status }: Job, type: Condition): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

const isFinished = (job: Job): boolean => finishedCondition(job) !== undefined;

const conditionError = (why: string): FieldError => invalidUnprinted('status.conditions', why);

/** What differs from the old status. */
function changesOf(job: Job, old: Job) {
  const [now = {}, before = {}] = [job.status, old.status];
  const condition = (type: Condition): boolean => has(job, type) !== has(old, type);
  return {
    complete: condition('Complete'),
    failed: condition('Failed'),
    failureTarget: condition('FailureTarget'),
    success: condition('SuccessCriteriaMet'),
    finished: isFinished(job) !== isFinished(old),
    active: (now.active ?? 0) !== (before.active ?? 0),
    ready: now.ready !== before.ready,
    terminating: now.terminating !== before.terminating,
    startTime: now.startTime !== before.startTime,
    completionTime: now.completionTime !== before.completionTime,
    completedIndexes: (now.completedIndexes ?? '') !== (before.completedIndexes ?? ''),
    failedIndexes: now.failedIndexes !== before.failedIndexes,
    uncounted: !deepEqual(now.uncountedTerminatedPods, before.uncountedTerminatedPods),
  };
}

type Changes = ReturnType<typeof changesOf>;

export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const changed = changesOf(job, old);
  const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;
  return [
    ...counts.flatMap((name) => nonNegative(`status.${name}`, job.status?.[name])),
    ...validateUncounted(job.status?.uncountedTerminatedPods),
    ...validateEnd(job, changed),
    ...validateRest(job, changed),
    ...validateIndexes(job, changed),
    ...validateCounts(job, changed),
    ...validateSuccess(job),
    ...validateCourse(job, old, changed),
  ];
}

function validateUncounted(pods: UncountedTerminatedPods | undefined): FieldError[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((list) =>
    (pods?.[list] ?? []).flatMap((uid, i) => {
      const field = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === '') return [invalid(field, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(field, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

/** Conditions and times of a Job's end fit each other. */
function validateEnd(job: Job, changed: Changes): FieldError[] {
  const { startTime, completionTime } = job.status ?? {};
  const [complete, failed] = [has(job, 'Complete'), has(job, 'Failed')];
  const errors: FieldError[] = [];
  const at = 'status.completionTime';
  if ((changed.complete || changed.failed) && complete && failed) {
    errors.push(conditionError('cannot set Complete=True and Failed=true conditions'));
  }
  if ((changed.complete || changed.failureTarget) && complete && has(job, 'FailureTarget')) {
    errors.push(conditionError('cannot set Complete=True and FailureTarget=true conditions'));
  }
  if (changed.complete || changed.completionTime) {
    if (completionTime !== undefined && !complete) {
      const why = 'cannot set completionTime when there is no Complete=True condition';
      errors.push(invalid(at, completionTime, why));
    }
    if (completionTime === undefined && complete) {
      errors.push(required(at, 'completionTime is required for Complete jobs'));
    }
  }
  if ((changed.startTime || changed.completionTime) && startTime !== undefined && completionTime !== undefined) {
    if (Date.parse(completionTime) < Date.parse(startTime)) {
      errors.push(invalid(at, completionTime, 'completionTime cannot be set before startTime'));
    }
  }
  if (changed.failed && failed && !has(job, 'FailureTarget')) {
    errors.push(conditionError('cannot set Failed=True condition without the FailureTarget=true condition'));
  }
  if (changed.complete && complete && !has(job, 'SuccessCriteriaMet')) {
    errors.push(conditionError('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
  }
  return errors;
}

/** What has ended runs nothing, has begun once, and has all its Pods counted. */
function validateRest(job: Job, changed: Changes): FieldError[] {
  if (!isFinished(job)) return [];
  const { active = 0, startTime, uncountedTerminatedPods: uncounted } = job.status ?? {};
  const errors: FieldError[] = [];
  if ((changed.finished || changed.active) && active > 0) {
    errors.push(invalid('status.active', active, 'active>0 is invalid for finished job'));
  }
  // Of a Job that is suspended and wants no Pods nothing ever starts.
  const neverStarts = job.spec.suspend === true && job.spec.completions === 0;
  if ((changed.finished || changed.startTime) && startTime === undefined && !neverStarts) {
    errors.push(required('status.startTime', 'startTime is required for finished job'));
  }
  const left = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if ((changed.finished || changed.uncounted) && left > 0) {
    // As upstream prints its own type, which has no JSON names.
    const value = { Succeeded: uncounted?.succeeded ?? null, Failed: uncounted?.failed ?? null };
    const why = 'uncountedTerminatedPods needs to be empty for finished job';
    errors.push(invalid('status.uncountedTerminatedPods', value, why));
  }
  return errors;
}

function validateIndexes({ spec, status }: Job, changed: Changes): FieldError[] {
  const { completedIndexes = '', failedIndexes } = status ?? {};
  const { completions, backoffLimitPerIndex } = spec;
  const errors: FieldError[] = [];
  const check = (name: 'completedIndexes' | 'failedIndexes', text: string): void => {
    const count = countIndexes(text, completions ?? 0);
    if (typeof count === 'string') errors.push(invalid(`status.${name}`, text, `error parsing ${name}: ${count}`));
  };
  if (changed.completedIndexes && completions !== undefined) check('completedIndexes', completedIndexes);
  if (changed.failedIndexes && completions !== undefined && backoffLimitPerIndex !== undefined) {
    if (failedIndexes !== undefined) check('failedIndexes', failedIndexes);
  }
  if (changed.completedIndexes && completedIndexes !== '' && spec.completionMode !== 'Indexed') {
    const why = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    errors.push(invalid('status.completedIndexes', completedIndexes, why));
  }
  if (failedIndexes === undefined) return errors;
  if (changed.failedIndexes && backoffLimitPerIndex === undefined) {
    const why = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    errors.push(invalid('status.failedIndexes', failedIndexes, why));
  }
  if ((changed.failedIndexes || changed.completedIndexes) && completions !== undefined) {
    const index = sharedIndex(completedIndexes, failedIndexes, completions);
    if (index !== undefined) {
      const why = `failedIndexes and completedIndexes overlap at index: ${index}`;
      errors.push(invalid('status.failedIndexes', failedIndexes, why));
    }
  }
  return errors;
}

function validateCounts(job: Job, changed: Changes): FieldError[] {
  const { active = 0, ready = 0, terminating = 0 } = job.status ?? {};
  const errors: FieldError[] = [];
  if ((changed.finished || changed.terminating) && terminating > 0 && isFinished(job)) {
    errors.push(invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  }
  if ((changed.ready || changed.active) && ready > active) {
    errors.push(invalid('status.ready', ready, 'cannot set more ready pods than active'));
  }
  return errors;
}

function validateSuccess(job: Job): FieldError[] {
  const errors: FieldError[] = [];
  const succeeded = has(job, 'SuccessCriteriaMet');
  if (succeeded && has(job, 'Failed')) {
    errors.push(conditionError('cannot set SuccessCriteriaMet=True and Failed=true conditions'));
  }
  if (succeeded && has(job, 'FailureTarget')) {
    errors.push(conditionError('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  }
  if (job.spec.successPolicy && !succeeded && has(job, 'Complete')) {
    const why = 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True';
    errors.push(conditionError(why));
  }
  return errors;
}

/** What is decided stays, what is counted is not forgotten. */
function validateCourse(job: Job, old: Job, changed: Changes): FieldError[] {
  const [now = {}, before = {}] = [job.status, old.status];
  const errors: FieldError[] = [];
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const) {
    if (has(old, type) && !has(job, type)) {
      errors.push(conditionError(`cannot disable the terminal ${type}=True condition`));
    }
  }
  const { completionMode, completions, parallelism } = job.spec;
  // An indexed Job that shrinks has fewer indexes that could have succeeded.
  const mayShrink = completionMode === 'Indexed' && completions === parallelism;
  for (const name of mayShrink ? (['failed'] as const) : (['failed', 'succeeded'] as const)) {
    const count = now[name] ?? 0;
    if (count < (before[name] ?? 0)) {
      errors.push(invalid(`status.${name}`, count, `cannot decrease the ${name} counter`));
    }
  }
  if (now.completionTime !== undefined && before.completionTime !== undefined && changed.completionTime) {
    errors.push(invalid('status.completionTime', now.completionTime, 'completionTime cannot be mutated'));
  }
  if (before.startTime !== undefined && changed.startTime && !job.spec.suspend) {
    errors.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'));
  }
  if (has(old, 'SuccessCriteriaMet') && !has(job, 'SuccessCriteriaMet')) {
    errors.push(conditionError('cannot disable the SuccessCriteriaMet=True condition'));
  }
  if (has(old, 'Complete') && !has(old, 'SuccessCriteriaMet') && has(job, 'SuccessCriteriaMet')) {
    const why = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions';
    errors.push(conditionError(why));
  }
  return errors;
}
