import { age } from '../../../../apimachinery/duration.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { nonNegative } from '../../../validation/values.ts';
import { containerCells, containersColumn, imagesColumn, selectorCell, selectorColumn } from '../../../workload.ts';
import { defaultJobSpec, validateJobSpec } from '../job/index.ts';
import type { CronJob } from '../types.generated.ts';

const { required, notSupported } = fieldError;

function validate({ spec }: CronJob): FieldError[] {
  const policies = ['Allow', 'Forbid', 'Replace'];
  return [
    ...(spec.schedule ? [] : [required('spec.schedule')]),
    ...nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds),
    ...(policies.includes(spec.concurrencyPolicy ?? '')
      ? []
      : [notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, policies)]),
    ...nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
    ...nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
    ...(spec.jobTemplate?.spec
      ? validateJobSpec(spec.jobTemplate.spec, 'spec.jobTemplate.spec')
      : [required('spec.jobTemplate.spec')]),
  ];
}

export const cronJob: Kind<CronJob> = {
  strategy: {
    default({ spec }) {
      spec.concurrencyPolicy ||= 'Allow';
      spec.suspend ??= false;
      spec.successfulJobsHistoryLimit ??= 3;
      spec.failedJobsHistoryLimit ??= 1;
      if (spec.jobTemplate?.spec) {
        const given = spec.jobTemplate.spec;
        const { completions, parallelism, backoffLimit, completionMode, suspend } = given;
        defaultJobSpec(given);
        // The Job that is made of it has these defaulted; the template keeps what its author wrote.
        const written = { completions, parallelism, backoffLimit, completionMode, suspend };
        for (const [field, value] of Object.entries(written)) if (value === undefined) delete given[field as 'suspend'];
        delete given.podReplacementPolicy;
      }
    },
    validate,
    validateUpdate: validate,
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
