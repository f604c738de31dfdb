import { expect, test } from 'vitest';
import { parseTtl } from './token.ts';

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
