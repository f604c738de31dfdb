import { expect, test } from 'vitest';
import { nextTime } from './next-time.ts';
import { parseSchedule, type Schedule } from './schedule.ts';

function next(schedule: string, after: string, zone?: string): string | undefined {
  const time = nextTime(parseSchedule(schedule) as Schedule, Date.parse(after), zone);
  return time === undefined ? undefined : new Date(time).toISOString().replace('.000', '');
}

test.each([
  ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'],
  ['*/15 * * * *', '2026-01-01T00:45:10Z', '2026-01-01T01:00:00Z'],
  ['0 3 * * *', '2026-01-31T03:00:00Z', '2026-02-01T03:00:00Z'],
  ['30 8 1 jan *', '2026-01-01T08:30:00Z', '2027-01-01T08:30:00Z'],
  ['0 0 29 2 *', '2026-03-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  // Both days said: either.
  ['0 0 13 * fri', '2026-02-01T00:00:00Z', '2026-02-06T00:00:00Z'],
  ['0 0 13 * *', '2026-02-01T00:00:00Z', '2026-02-13T00:00:00Z'],
  ['@weekly', '2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z'],
  ['@every 1h30m', '2026-01-01T00:00:00Z', '2026-01-01T01:30:00Z'],
  ['0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
])('%s after %s is %s', (schedule, after, expected) => expect(next(schedule, after)).toBe(expected));

test.each([
  ['0 9 * * *', '2026-01-10T12:00:00Z', 'Asia/Tokyo', '2026-01-11T00:00:00Z'],
  ['0 9 * * *', '2026-07-10T12:00:00Z', 'Europe/Berlin', '2026-07-11T07:00:00Z'],
  // 02:30 is skipped on 29 March 2026 in Berlin.
  ['30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin', '2026-03-30T00:30:00Z'],
  // Midnight is skipped on 6 September 2026 in Santiago: the day begins at one.
  ['0 1 * * *', '2026-09-05T12:00:00Z', 'America/Santiago', '2026-09-06T04:00:00Z'],
])('%s after %s in %s is %s', (schedule, after, zone, expected) => expect(next(schedule, after, zone)).toBe(expected));

test('a schedule of its own zone', () => {
  expect(next('TZ=Asia/Tokyo 0 9 * * *', '2026-01-10T12:00:00Z')).toBe('2026-01-11T00:00:00Z');
});
