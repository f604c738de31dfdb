import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { SyncStatus } from './sync-status.ts';

test.each([-3_600_000, 0, 3_600_000])(
  'a change that waits too long is unhealthy, and one that does not is well, though the time was set by %i ms',
  (ms) => {
    const clock = new FakeClock();
    const status = new SyncStatus(clock, { timeout: 60_000 });
    status.queued('service');
    clock.step(ms);
    clock.advance(59_999);
    expect(status.healthy).toBe(true);
    clock.advance(1);
    expect(status.healthy).toBe(false);
  },
);
