import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatMicroTime, formatTime, parseTime } from './time.ts';

test('Time has whole seconds, MicroTime six digits', () => {
  expect(formatTime(1_700_000_000_999)).toBe('2023-11-14T22:13:20Z');
  expect(formatMicroTime(1_700_000_000_999)).toBe('2023-11-14T22:13:20.999000Z');
  expect(formatMicroTime(1_700_000_000_000.25)).toBe('2023-11-14T22:13:20.000250Z');
});

test.each([
  ['2023-11-14T22:13:20Z', 1_700_000_000_000],
  ['2023-11-14T23:13:20+01:00', 1_700_000_000_000],
  ['2023-11-14T22:13:20.000250Z', 1_700_000_000_000.25],
  ['2023-02-30T00:00:00Z', undefined],
  ['2023-11-14', undefined],
  ['yesterday', undefined],
])('%s is %s', (text, milliseconds) => {
  expect(parseTime(text)).toBe(milliseconds);
});

test('a microsecond stays what it is, however often it is read and written; digits past it are cut off', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e15 }), fc.integer({ min: 0, max: 999 }), (micros, nanos) => {
      const seconds = `${new Date(Math.floor(micros / 1e6) * 1000).toISOString().slice(0, 19)}`;
      const text = `${seconds}.${String(micros % 1e6).padStart(6, '0')}`;
      expect(formatMicroTime(parseTime(`${text}Z`)!)).toBe(`${text}Z`);
      expect(formatMicroTime(parseTime(`${text}${String(nanos).padStart(3, '0')}Z`)!)).toBe(`${text}Z`);
    }),
  );
});
