import type { Clock } from '../../system/clock.ts';

/** Milliseconds between two looks, and by how much the time must have been set to count. */
const period = 60_000;
const noticeable = 1000;

/**
 * Calls `act` when the machine's time was set, or it slept: timers follow neither, so that what waits for a time of the day would
 * come too late by as much. Runs until the signal aborts.
 */
export async function whenTimeIsSet(clock: Clock, act: () => void, signal: AbortSignal): Promise<void> {
  const lead = () => clock.now() - clock.monotonic();
  let before = lead();
  while (!signal.aborted) {
    await clock.sleep(period, signal).catch(() => {});
    const now = lead();
    if (!signal.aborted && Math.abs(now - before) > noticeable) act();
    before = now;
  }
}
