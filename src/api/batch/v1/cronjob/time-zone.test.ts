import { expect, test } from 'vitest';
import { isTimeZone } from './time-zone.ts';

test.each([
  'UTC',
  'Etc/UTC',
  'Europe/Berlin',
  'US/Pacific',
  'Asia/Calcutta',
  'Asia/Kolkata',
  'Etc/GMT+5',
  'GMT',
  'EST',
])('%s is a time zone', (name) => expect(isTimeZone(name)).toBe(true));

test.each(['', 'utc', 'Europe/berlin', 'europe/Berlin', '+01:00', '-05:00', 'Nowhere/X', 'UTC+1', '../etc'])(
  '%j is none',
  (name) => expect(isTimeZone(name)).toBe(false),
);
