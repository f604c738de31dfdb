import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { ClusterClock } from './cluster-clock.ts';

test('goes on evenly when the time of the machine is set', () => {
  const real = new FakeClock();
  const clock = new ClusterClock({ real, stands: false });
  const start = clock.now();
  const fired: number[] = [];
  clock.after(2000, () => fired.push(clock.now() - start));
  real.advance(1000);
  real.step(-3_600_000);
  expect(clock.now() - start).toBe(1000);
  real.advance(1000);
  expect(fired).toEqual([2000]);
});
