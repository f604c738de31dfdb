import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatMicroTime, formatTime, parseTime, readTime } from './time.ts';

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

test.each([
  ['2026-01-02T3:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['2026-01-02T03:04:05,5-01:30', Date.UTC(2026, 0, 2, 4, 34, 5) + 500],
  ['0099-01-02T03:04:05+24:00', Date.parse('0099-01-01T03:04:05Z')],
  ['2026-02-29T00:00:00Z', 'parsing time "2026-02-29T00:00:00Z": day out of range'],
  ['2026-13-01T00:00:00Z', 'parsing time "2026-13-01T00:00:00Z": month out of range'],
  ['2026-01-01T24:00:00Z', 'parsing time "2026-01-01T24:00:00Z": hour out of range'],
  ['2026-01-01T00:00:00+25:00', 'parsing time "2026-01-01T00:00:00+25:00": time zone offset hour out of range'],
  ['2026-01-01T00:00:00Zulu', 'parsing time "2026-01-01T00:00:00Zulu": extra text: "ulu"'],
  ['', 'parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"'],
  ['é', 'parsing time "\\xc3\\xa9" as "2006-01-02T15:04:05Z07:00": cannot parse "\\xc3\\xa9" as "2006"'],
  ['2026-1-02', 'parsing time "2026-1-02" as "2006-01-02T15:04:05Z07:00": cannot parse "1-02" as "01"'],
  ['2026-01-02 3', 'parsing time "2026-01-02 3" as "2006-01-02T15:04:05Z07:00": cannot parse " 3" as "T"'],
])('Go reads %j as %j', (text, expected) => expect(readTime(text, 'time')).toBe(expected));

test.each([
  ['2026-01-01T00:00:00.000001Z', Date.UTC(2026, 0, 1) + 0.001],
  ['2026-01-01T00:00:00Z', 'cannot parse "Z" as ".000000"'],
  ['2026-01-01T00:00:00.123Z', 'cannot parse ".123Z" as ".000000"'],
  ['2026-01-01T00:00:00.1234567Z', 'cannot parse "7Z" as "Z07:00"'],
])('a micro-time has six digits: %s', (text, expected) => {
  const wrong = `parsing time "${text}" as "2006-01-02T15:04:05.000000Z07:00": `;
  expect(readTime(text, 'micro-time')).toBe(typeof expected === 'number' ? expected : wrong + expected);
});
