import { age } from '../../../../apimachinery/duration.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { printedSelector } from '../../../validation/printed.ts';
import { nonNegative, oneOf } from '../../../validation/values.ts';
import {
  containerCells,
  containersColumn,
  imagesColumn,
  isNewGeneration,
  nameWarnings,
  selectorCell,
  selectorColumn,
} from '../../../workload.ts';
import { defaultJobSpec, jobSpecWarnings } from '../job/index.ts';
import { validateJobSpec } from '../job/validation.ts';
import type { CronJob, CronJobSpec, JobSpec } from '../types.generated.ts';
import { scheduleError } from './schedule.ts';
import { isTimeZone } from './time-zone.ts';

const { required, invalid, notSupported } = fieldError;

/** Of a CronJob's name: each Job's adds a hyphen and ten digits to it. */
const maxName = 52;

function validate({ spec }: CronJob, old?: CronJob): FieldError[] {
  return [
    ...validateSchedule(spec, old?.spec),
    ...nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds),
    ...(spec.timeZone === undefined || spec.timeZone === old?.spec.timeZone ? [] : validateTimeZone(spec.timeZone)),
    ...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...validateJobTemplate(spec.jobTemplate?.spec, 'spec.jobTemplate.spec'),
    ...nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
    ...nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
  ];
}

/** `old` may have said the time zone in the schedule, as was possible once. */
function validateSchedule({ schedule, timeZone }: CronJobSpec, old: CronJobSpec | undefined): FieldError[] {
  const at = 'spec.schedule';
  const errors: FieldError[] = [];
  if (!schedule) errors.push(required(at));
  else {
    const wrong = scheduleError(schedule);
    if (wrong) errors.push(invalid(at, schedule, wrong));
    const hasZone = schedule.includes('TZ');
    if (hasZone && !old?.schedule.includes('TZ')) {
      errors.push(invalid(at, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
    } else if (hasZone && timeZone !== undefined) {
      errors.push(invalid(at, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
    }
  }
  return errors;
}

function validateTimeZone(timeZone: string): FieldError[] {
  const at = 'spec.timeZone';
  if (timeZone === '') return [invalid(at, timeZone, 'timeZone must be nil or non-empty string')];
  const unknown = invalid(at, timeZone, `unknown time zone ${timeZone}`);
  if (timeZone.toLowerCase() !== 'local') return isTimeZone(timeZone) ? [] : [unknown];
  const why = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
  // Go knows `Local`, in these letters.
  return [invalid(at, timeZone, why), ...(timeZone === 'Local' ? [] : [unknown])];
}

/** The selectors of Jobs are theirs. */
function validateJobTemplate(spec: JobSpec | undefined, path: string): FieldError[] {
  const errors = validateJobSpec(spec ?? ({} as JobSpec), path);
  if (spec?.selector)
    errors.push(invalid(`${path}.selector`, printedSelector(spec.selector), '`selector` will be auto-generated'));
  if (spec?.manualSelector) errors.push(notSupported(`${path}.manualSelector`, true, ['nil', 'false']));
  return errors;
}

function validateNew(object: CronJob): FieldError[] {
  const { name } = object.metadata;
  const errors = validate(object);
  if (name.length <= maxName) return errors;
  return [...errors, invalid('metadata.name', name, `must be no more than ${maxName} characters`)];
}

const zoneWarning =
  'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';

export const cronJob: Kind<CronJob> = {
  strategy: {
    default({ spec }) {
      spec.concurrencyPolicy ||= 'Allow';
      spec.suspend ??= false;
      spec.successfulJobsHistoryLimit ??= 3;
      spec.failedJobsHistoryLimit ??= 1;
      if (spec.jobTemplate?.spec) {
        const given = spec.jobTemplate.spec;
        const { completions, parallelism, backoffLimit, completionMode, suspend, manualSelector } = given;
        const { podReplacementPolicy } = given;
        defaultJobSpec(given);
        // The Job that is made of it has these defaulted; the template keeps what its author wrote.
        const counts = { completions, parallelism, backoffLimit };
        const written = { ...counts, completionMode, suspend, manualSelector, podReplacementPolicy };
        for (const [field, value] of Object.entries(written)) if (value === undefined) delete given[field as 'suspend'];
      }
    },
    validate: validateNew,
    validateUpdate: validate,
    warnings: (object, old) => [
      ...(old ? [] : nameWarnings(object.metadata.name)),
      ...(isNewGeneration(object, old) ? jobSpecWarnings(object.spec.jobTemplate?.spec, 'spec.jobTemplate.spec') : []),
      ...(old && object.spec.schedule.includes('TZ') ? [zoneWarning] : []),
    ],
  },
  countsGeneration: true,
  columns: [
    nameColumn,
    column('Schedule', 'When Jobs are made, in cron format.'),
    column('Timezone', 'The time zone of the schedule.'),
    column('Suspend', 'Whether no further Jobs are made.', { type: 'boolean' }),
    column('Active', 'Jobs that run now.', { type: 'integer' }),
    column('Last Schedule', 'When the last Job was made.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.spec.schedule,
    object.spec.timeZone ?? '<none>',
    object.spec.suspend === true ? 'True' : 'False',
    object.status?.active?.length ?? 0,
    object.status?.lastScheduleTime ? age(object.status.lastScheduleTime, now) : '<none>',
    ageCell(object, now),
    ...containerCells(object.spec.jobTemplate?.spec?.template),
    selectorCell(object.spec.jobTemplate?.spec?.selector),
  ],
};
