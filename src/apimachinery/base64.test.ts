import { expect, test } from 'vitest';
import { canonicalBase64 } from './base64.ts';

test.each([
  ['', ''],
  ['YQ==', 'YQ=='],
  ['YWJj', 'YWJj'],
  ['YW\nJj\r\n', 'YWJj'],
  ['YQ=\n=', 'YQ=='],
  // What the last digit says beyond the bytes is not kept.
  ['YR==', 'YQ=='],
  ['YWK=', 'YWI='],
])('%j is %s', (text, canonical) => expect(canonicalBase64(text)).toBe(canonical));

test.each([
  ['YQ', 0],
  ['hello', 4],
  ['YQ=', 3],
  ['YWJjYQ=', 7],
  ['YQ==x', 4],
  ['YQ==YQ==', 4],
  ['Y===', 1],
  ['====', 0],
  ['YQ=x', 2],
  ['YWJj\nYQ=', 8],
  ['a b', 1],
  ['Ym-_', 2],
  ['YWé=', 2],
])('of %j byte %i is the first that is wrong', (text, byte) => {
  expect(() => canonicalBase64(text)).toThrow(`illegal base64 data at input byte ${byte}`);
});

test('what Node.js writes is read as it is', () => {
  for (let length = 0; length < 300; length++) {
    const text = Buffer.alloc(length, length).toString('base64');
    expect(canonicalBase64(text)).toBe(text);
  }
});
