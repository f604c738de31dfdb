import { expect, test } from 'vitest';
import { WorkQueueMetrics } from './work-queue-metrics.ts';

test('keys that come, wait, are worked on and fail', () => {
  let now = 1000;
  const metrics = new WorkQueueMetrics(() => now);
  const queue = metrics.queue('deployment');
  const samples = () =>
    metrics.families
      .flatMap((family) => family.print().split('\n'))
      .filter((line) => line !== '' && !/^#|_bucket/.test(line))
      .map((line) => line.replace('workqueue_', '').replace('{name="deployment"}', ''));
  queue.added('a');
  queue.added('b');
  now += 500;
  queue.begun('a');
  now += 2000;
  expect(samples()).toEqual([
    'depth 1',
    'adds_total 2',
    'retries_total 0',
    'queue_duration_seconds_sum 0.5',
    'queue_duration_seconds_count 1',
    'work_duration_seconds_sum 0',
    'work_duration_seconds_count 0',
    'unfinished_work_seconds 2',
    'longest_running_processor_seconds 2',
  ]);
  queue.done('a');
  queue.retried();
  queue.ended();
  expect(samples()).toEqual([
    'depth 0',
    'adds_total 2',
    'retries_total 1',
    'queue_duration_seconds_sum 0.5',
    'queue_duration_seconds_count 1',
    'work_duration_seconds_sum 2',
    'work_duration_seconds_count 1',
    'unfinished_work_seconds 0',
    'longest_running_processor_seconds 0',
  ]);
});
