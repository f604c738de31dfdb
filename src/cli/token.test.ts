import { expect, test } from 'vitest';
import { parseTtl, timeLeft } from './token.ts';

test.each([
  ['24h', 86_400],
  ['1h30m', 5_400],
  ['90s', 90],
  ['0', 0],
])('--ttl %s is %d s', (text, seconds) => {
  expect(parseTtl(text)).toBe(seconds);
});

test.each(['', '1d', '5', 'h', '1h x'])('--ttl %j is refused', (text) => {
  expect(() => parseTtl(text)).toThrow('--ttl');
});

test.each([
  [null, 'never'],
  ['2026-01-02T00:00:00Z', '24h'],
  ['2026-01-01T00:05:30Z', '5m'],
  ['2026-01-01T00:01:00Z', '60s'],
  ['2026-01-01T00:00:00Z', 'expired'],
])('a token until %j has %s', (expiration, left) => {
  expect(timeLeft(expiration, Date.parse('2026-01-01T00:00:00Z'))).toBe(left);
});
