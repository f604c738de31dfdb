import { expect, test } from 'vitest';
import { age, formatGoDuration, humanDuration, looseDuration, parseGoDuration } from './duration.ts';

const [s, m, h, d, y] = [1000, 60_000, 3_600_000, 86_400_000, 365 * 86_400_000] as const;

test.each([
  [-3 * s, '<invalid>'],
  [-2 * s, '<invalid>'],
  [-1.5 * s, '0s'],
  [0, '0s'],
  [119 * s, '119s'],
  [2 * m, '2m'],
  [2 * m + 3 * s, '2m3s'],
  [10 * m - s, '9m59s'],
  [10 * m, '10m'],
  [3 * h - m, '179m'],
  [3 * h, '3h'],
  [7 * h + 59 * m, '7h59m'],
  [8 * h, '8h'],
  [48 * h - s, '47h'],
  [2 * d, '2d'],
  [7 * d + 23 * h, '7d23h'],
  [8 * d, '8d'],
  [2 * y - d, '729d'],
  [2 * y, '2y'],
  [2 * y + 100 * d, '2y100d'],
  [8 * y, '8y'],
])('%d ms is %s', (milliseconds, text) => {
  expect(humanDuration(milliseconds)).toBe(text);
});

test('ages', () => {
  expect(age(undefined, 0)).toBe('<unknown>');
  expect(age('0001-01-01T00:00:00Z', 0)).toBe('<unknown>');
  expect(age('1970-01-01T00:00:10Z', 25 * s)).toBe('15s');
  expect(age('1970-01-01T00:00:10Z', 0)).toBe('<invalid>');
});

test.each([
  ['15m0s', 15 * m],
  ['24h0m0s', 24 * h],
  ['1h30m', 90 * m],
  ['1.5s', 1500],
  ['-5s', -5000],
  ['250ms', 250],
  ['0', 0],
])('Go reads %s as %d ms, and what it prints of it reads the same', (text, milliseconds) => {
  expect(parseGoDuration(text)).toBe(milliseconds);
  expect(parseGoDuration(formatGoDuration(milliseconds))).toBe(milliseconds);
});

test('Go prints all smaller units, and refuses numbers without one', () => {
  expect([15 * m, 24 * h, 90_500, 0, -2000].map(formatGoDuration)).toEqual([
    '15m0s',
    '24h0m0s',
    '1m30.5s',
    '0s',
    '-2s',
  ]);
  for (const text of ['', '5', '5 s', 's', '1d', '--1s']) expect(parseGoDuration(text)).toBeUndefined();
});

test.each([
  ['1.5us', 0.0015, '1.5µs'],
  ['1ns', 1e-6, '1ns'],
  ['.5ns', 0, '0s'],
  ['1m0.000001s', 60_000.001, '1m0.000001s'],
  ['-1h30ns', -3_600_000.00003, '-1h0m0.00000003s'],
  ['9999999999m', undefined, ''],
])('%s has nanoseconds', (text, milliseconds, printed) => {
  expect(parseGoDuration(text)).toBe(milliseconds);
  if (milliseconds !== undefined) expect(formatGoDuration(milliseconds)).toBe(printed);
});

test.each([
  ['3 weeks', 1_814_400_000_000_000n],
  ['1d', 86_400_000_000_000n],
  ['about 5 Min and 2 secs', 302_000_000_000n],
  // Go's form, and none at all.
  ['1h30m', undefined],
  ['1 fortnight', undefined],
])('%s is a length of time of the loose sort: %s', (text, nanoseconds) => {
  expect(looseDuration(text)).toBe(nanoseconds);
});
