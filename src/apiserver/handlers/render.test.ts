import { expect, test } from 'vitest';
import { warningHeaders } from './render.ts';

test('warnings are quoted, UTF-8, and none has control characters', () => {
  expect(warningHeaders(new Set(['say "a\\b"', 'two\nlines', '', 'ä']))).toEqual([
    '299 - "say \\"a\\\\b\\""',
    `299 - "${Buffer.from('ä').toString('latin1')}"`,
  ]);
});

test('where all are too long, each is cut, and the last ones are left out', () => {
  const texts = Array.from({ length: 20 }, (_, i) => `${i} ${'x'.repeat(400)}`);
  const headers = warningHeaders(new Set(texts));
  expect(headers).toHaveLength(16);
  expect(headers[0]).toBe(`299 - "0 ${'x'.repeat(254)}"`);
});
