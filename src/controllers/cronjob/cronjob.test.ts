import { afterEach, expect, test } from 'vitest';
import type { CronJob, Job } from '../../api/batch/v1/types.generated.ts';
import { cronJobs, jobs } from '../../client/resources.ts';
import { type Harness, startControllers } from '../harness/start.ts';

let harness: Harness;
afterEach(async () => {
  expect(harness.errors).toEqual([]);
  await harness.stop();
});

test('a Job whose time has come since the machine slept, or its clock was set, is there within a minute, and once', async () => {
  harness = startControllers({ names: ['cronjob-controller'] });
  const { api, clock } = harness;
  const spec = { schedule: '0 3 * * *', startingDeadlineSeconds: 600, jobTemplate: {} };
  await api.resource<CronJob>(cronJobs).create({ metadata: { name: 'tick', namespace: 'default' }, spec });
  const made = async (seconds: number) => {
    await harness.settle();
    clock.advance(seconds * 1000);
    await harness.settle();
    const { items } = await api.resource<Job>(jobs).list({ namespace: 'default' });
    return items.map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']);
  };
  expect(await made(60)).toEqual([]);
  clock.step(3 * 3_600_000);
  expect(await made(60)).toEqual(['2026-01-01T03:00:00Z']);
  clock.step(-3_600_000);
  expect(await made(60)).toHaveLength(1);
  expect(await made(3_600_000 / 1000)).toHaveLength(1);
});
