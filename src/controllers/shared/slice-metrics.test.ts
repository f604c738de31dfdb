import { expect, test } from 'vitest';
import { SliceMetrics, type SliceMetricsOptions } from './slice-metrics.ts';

const options: SliceMetricsOptions = {
  subsystem: 'x',
  synced: 'Service',
  maxEndpointsPerSlice: 100,
  leastSlices: 1,
};

/** The gauges: slices there should be, slices there are, endpoints. */
function gauges({ families }: SliceMetrics): number[] {
  const text = families.map((family) => family.print()).join('');
  const value = (name: string) => Number(new RegExp(`^x_${name} (.*)$`, 'm').exec(text)?.[1]);
  return [value('desired_endpoint_slices'), value('num_endpoint_slices'), value('endpoints_desired')];
}

const sync = (...groups: readonly (readonly [endpoints: number, slices: number])[]) => ({
  added: 0,
  removed: 0,
  groups: groups.map(([endpoints, slices]) => ({ endpoints, slices })),
});

test('the sums over Services follow each of them', () => {
  const metrics = new SliceMetrics(options);
  const [thin, dense] = [sync([12, 5], [18, 8]), sync([45, 1], [35, 1])];
  const seen: number[][] = [];
  for (const [key, figures] of [
    ['a', thin],
    ['b', dense],
    ['c', thin],
    ['a', dense],
  ] as const) {
    metrics.synced(key, [figures]);
    seen.push(gauges(metrics));
  }
  metrics.forget('c');
  metrics.forget('never-seen');
  expect([...seen, gauges(metrics)]).toEqual([
    [2, 13, 30],
    [4, 15, 110],
    [6, 28, 140],
    [6, 17, 190],
    [4, 4, 160],
  ]);
});

test('no endpoints want one slice for each family, where a placeholder says so', () => {
  const [placeholders, none] = [new SliceMetrics(options), new SliceMetrics({ ...options, leastSlices: 0 })];
  placeholders.synced('a', [sync([0, 1], [0, 1]), sync([250, 3])]);
  none.synced('a', [sync()]);
  expect([gauges(placeholders), gauges(none)]).toEqual([
    [4, 5, 250],
    [0, 0, 0],
  ]);
});
