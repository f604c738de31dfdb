import { expect, test } from 'vitest';
import { scheduleError } from './schedule.ts';

test.each([
  '* * * * *',
  '*/15 0-12/2 1,15 jan-MAR Mon',
  '? * * * ?',
  '@daily',
  '@every 1h30m',
  'TZ=Europe/Berlin 0 3 * * *',
])('%s', (schedule) => expect(scheduleError(schedule)).toBeUndefined());

test.each([
  ['', 'empty spec string'],
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['9-3 * * * *', 'beginning of range (9) beyond end of range (3): 9-3'],
  ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
  ['-1 * * * *', 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['/2/3 * * * *', 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
  ['TZ=europe/berlin 0 3 * * *', 'provided bad location europe/berlin: unknown time zone europe/berlin'],
  ['@every 1d', 'failed to parse duration @every 1d: time: unknown unit "d" in duration "1d"'],
  ['@every 1', 'failed to parse duration @every 1: time: missing unit in duration "1"'],
  ['@fortnightly', 'unrecognized descriptor: @fortnightly'],
  ['@every day', 'failed to parse duration @every day: time: invalid duration "day"'],
])('%s is none', (schedule, why) => expect(scheduleError(schedule)).toBe(why));
