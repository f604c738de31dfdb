// The steps are those of upstream's tests (pkg/kubelet/eviction/eviction_manager_test.go: TestMemoryPressure, TestMinReclaim).
import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { MachineUsage } from '../stats/machine.ts';
import type { Threshold } from './thresholds.ts';
import { graceFor, nothingSeen, watch } from './watch.ts';

const Mi = 1024 * 1024;
const minute = 60_000;

const usage = (available: number): MachineUsage => ({
  at: 0,
  cpuNanoSeconds: 0,
  memory: { capacity: 4000 * Mi, available: available * Mi },
  disk: { capacity: 1, available: 1, inodes: 1, inodesFree: 1 },
  processes: { capacity: 1, available: 1 },
});

const hard: Threshold = { signal: 'memory.available', text: '1Gi' };
const soft: Threshold = { signal: 'memory.available', text: '2Gi', grace: 2 * minute };

/** What is met, and for what pods are evicted, at each step: minutes since the step before, and Mi that are left. */
function follow(thresholds: readonly Threshold[], steps: readonly (readonly [minutes: number, left: number])[]) {
  let seen = nothingSeen;
  let now = 0;
  const name = ({ by }: { readonly by: Threshold }) => by.text;
  return steps.map(([minutes, left]) => {
    now += minutes * minute;
    seen = watch(seen, { thresholds, usage: usage(left), now });
    return [seen.met.map(name), seen.due.map(name)];
  });
}

test('a soft threshold waits for its grace period, and begins anew when it was over', () => {
  const steps = [
    [0, 3000],
    [1, 1500],
    [1.9, 1500],
    [0.1, 1500],
    [1, 3000],
    [1, 1500],
    [1, 1500],
  ] as const;
  expect(follow([hard, soft], steps)).toEqual([
    [[], []],
    [['2Gi'], []],
    [['2Gi'], []],
    [['2Gi'], ['2Gi']],
    [[], []],
    [['2Gi'], []],
    [['2Gi'], []],
  ]);
});

test('a hard threshold does not wait', () =>
  expect(follow([hard, soft], [[0, 900]])).toEqual([[['1Gi', '2Gi'], ['1Gi']]]));

test('with a minimum to reclaim it is over when that much is won', () => {
  const steps = [
    [0, 1200],
    [1, 500],
    [1, 1200],
    [1, 1524],
    [1, 1200],
  ] as const;
  const met = [['1Gi'], ['1Gi']];
  expect(follow([{ ...hard, reclaim: '500Mi' }], steps)).toEqual([[[], []], met, met, [[], []], [[], []]]);
  // 10% of 4000Mi.
  const percent = { ...hard, reclaim: '10%' };
  expect(
    follow(
      [percent],
      [
        [0, 500],
        [1, 1423],
        [1, 1425],
      ],
    ),
  ).toEqual([met, met, [[], []]]);
});

test('nothing was evicted for a soft threshold that was over in time: nothing needs to be reclaimed', () =>
  expect(
    follow(
      [{ ...soft, reclaim: '500Mi' }],
      [
        [0, 1500],
        [1, 2100],
      ],
    ),
  ).toEqual([
    [['2Gi'], []],
    [[], []],
  ]));

test.each<[Threshold, number | undefined, number, number]>([
  [hard, 100, 60, 1],
  [{ ...soft, grace: 0 }, 100, 60, 1],
  [soft, 100, 60, 60],
  [soft, 10, 60, 10],
  [soft, 100, 0, 100],
  [soft, undefined, 0, 30],
])('%#: seconds that a pod has to end', (...[threshold, own, most, expected]) => {
  const spec = { containers: [], ...(own !== undefined && { terminationGracePeriodSeconds: own }) };
  const pod: Pod = { metadata: { name: 'p' }, spec };
  expect(graceFor(pod, threshold, most)).toBe(expected);
});
