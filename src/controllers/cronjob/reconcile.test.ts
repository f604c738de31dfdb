import { expect, test } from 'vitest';
import type { CronJob, CronJobSpec, CronJobStatus, Job } from '../../api/batch/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { reconcile } from './reconcile.ts';

const at = (time: string) => Date.parse(`2026-01-01T${time}Z`);
const noon = at('12:00:00');

function cronJob(spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): CronJob {
  return {
    metadata: { name: 'tick', namespace: 'default', uid: 'cron', creationTimestamp: '2026-01-01T11:00:00Z' },
    spec: { schedule: '*/10 * * * *', jobTemplate: { metadata: { labels: { a: 'b' } } }, ...spec },
    status,
  };
}

function job(name: string, end?: 'Complete' | 'Failed', startTime = '2026-01-01T11:00:00Z'): Job {
  const conditions = end ? [{ type: end, status: 'True' }] : [];
  const completionTime = end === 'Complete' ? { completionTime: '2026-01-01T11:30:00Z' } : {};
  return {
    metadata: { name, namespace: 'default', uid: name },
    spec: { template: {} },
    status: { startTime, conditions, ...completionTime },
  };
}

const active = (...names: string[]) => ({ active: names.map((name) => ({ name, uid: name })) });
const since = (time: string) => ({ lastScheduleTime: `2026-01-01T${time}Z` });

function plan(one: CronJob, jobs: Job[] = [], now = noon + 1000) {
  const found = reconcile({ cronJob: one, jobs, now });
  return { ...found, said: found.events.map(({ reason }) => reason) };
}

test('a Job of the last time, with its name, its mark and its owner', () => {
  const { create, status, requeueAfter } = plan(cronJob({ timeZone: 'Asia/Tokyo' }, since('11:50:00')));
  expect(create?.metadata).toMatchObject({
    name: `tick-${noon / 60_000}`,
    labels: { a: 'b' },
    annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T21:00:00+09:00' },
    ownerReferences: [{ kind: 'CronJob', name: 'tick', uid: 'cron', controller: true }],
  });
  expect(status?.lastScheduleTime).toBe('2026-01-01T12:00:00Z');
  expect(requeueAfter).toBe(599_100);
});

const missed = { startingDeadlineSeconds: 30 };
const late = at('12:05:00');

test.each<[string, CronJob, Job[], number, { made: boolean; said: string[] }]>([
  ['nothing before its time', cronJob({}, since('12:00:00')), [], noon + 1000, { made: false, said: [] }],
  ['nothing while suspended', cronJob({ suspend: true }), [], noon, { made: false, said: [] }],
  ['one that is late, without a deadline', cronJob({}, since('11:50:00')), [], late, { made: true, said: [] }],
  ['none past its deadline', cronJob(missed, since('11:50:00')), [], late, { made: false, said: [] }],
  [
    'beside a running one',
    cronJob({}, { ...since('11:50:00'), ...active('a') }),
    [job('a')],
    noon,
    { made: true, said: [] },
  ],
  [
    'not beside a running one where that is forbidden',
    cronJob({ concurrencyPolicy: 'Forbid' }, { ...since('11:50:00'), ...active('a') }),
    [job('a')],
    noon,
    { made: false, said: ['JobAlreadyActive'] },
  ],
  [
    'many missed times',
    cronJob({ schedule: '* * * * *' }, since('02:00:00')),
    [],
    noon,
    { made: true, said: ['TooManyMissedTimes'] },
  ],
  ['a schedule that is none', cronJob({ schedule: 'x' }), [], noon, { made: false, said: ['UnparseableSchedule'] }],
  ['a zone that is none', cronJob({ timeZone: 'Moon/Base' }), [], noon, { made: false, said: ['UnknownTimeZone'] }],
  ['no such day', cronJob({ schedule: '0 0 30 2 *' }), [], noon, { made: false, said: ['InvalidSchedule'] }],
  ['a Job by hand', cronJob({}, since('12:00:00')), [job('x')], noon, { made: false, said: ['UnexpectedJob'] }],
  [
    'a Job that went',
    cronJob({}, { ...since('12:00:00'), ...active('a') }),
    [],
    noon,
    { made: false, said: ['MissingJob'] },
  ],
])('%s', (...[, one, jobs, now, expected]) => {
  const { create, said } = plan(one, jobs, now);
  expect({ made: create !== undefined, said }).toEqual(expected);
});

test('the running one is replaced', () => {
  const one = cronJob({ concurrencyPolicy: 'Replace' }, { ...since('11:50:00'), ...active('a') });
  const { replace, create, status } = plan(one, [job('a')]);
  expect(replace.map(({ metadata }) => metadata.name)).toEqual(['a']);
  expect(create).toBeDefined();
  expect(status?.active).toEqual([]);
});

test('a Job that ended leaves the list, and its success is noted', () => {
  const { status, events } = plan(cronJob({}, { ...since('12:00:00'), ...active('a') }), [job('a', 'Complete')]);
  expect(status).toEqual({ lastScheduleTime: '2026-01-01T12:00:00Z', lastSuccessfulTime: '2026-01-01T11:30:00Z' });
  expect(events[0]?.message).toBe('Saw completed job: a, condition: Complete');
});

test('of finished Jobs the newest stay', () => {
  const jobs = [
    job('old', 'Complete', '2026-01-01T09:00:00Z'),
    job('new', 'Complete', '2026-01-01T10:00:00Z'),
    job('bad', 'Failed', '2026-01-01T10:00:00Z'),
    job('worse', 'Failed', '2026-01-01T11:00:00Z'),
    { ...job('idle', 'Failed'), status: { conditions: [{ type: 'Failed', status: 'True' }] } },
  ];
  const limits = { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 };
  expect(plan(cronJob(limits), jobs).forget.map(({ metadata }) => metadata.name)).toEqual([
    'old',
    'bad',
    'worse',
    'idle',
  ]);
});

test('among thousands of missed times the last one counts', () => {
  const one = cronJob({ schedule: '* * * * *' }, { lastScheduleTime: '2020-01-01T00:00:00Z' });
  expect(plan(one).create?.metadata.name).toBe(`tick-${noon / 60_000}`);
});

test.each<[string, CronJob, number, { made: string | undefined; requeueAfter: number }]>([
  ['before the first', cronJob({ schedule: '@every 7m' }), at('11:05:00'), { made: undefined, requeueAfter: 120_100 }],
  ['looked at late', cronJob({ schedule: '@every 7m' }), at('11:07:30'), { made: '11:07', requeueAfter: 390_100 }],
  [
    'many later',
    cronJob({ schedule: '@every 1m30s' }, { lastScheduleTime: '2020-01-01T00:00:30Z' }),
    noon,
    { made: '11:59', requeueAfter: 30_100 },
  ],
  [
    'with a deadline that is shorter than the period',
    cronJob({ schedule: '@every 10m', startingDeadlineSeconds: 30 }, since('11:50:00')),
    noon + 1000,
    { made: '12:00', requeueAfter: 599_100 },
  ],
  [
    'past that deadline',
    cronJob({ schedule: '@every 10m', startingDeadlineSeconds: 30 }, since('11:50:00')),
    at('12:01:00'),
    { made: undefined, requeueAfter: 540_100 },
  ],
])('periods are counted from the last time, %s', (_, one, now, expected) => {
  const { create, requeueAfter } = plan(one, [], now);
  const made = create && formatTime(Number(create.metadata.name?.replace('tick-', '')) * 60_000).slice(11, 16);
  expect({ made, requeueAfter }).toEqual(expected);
});
