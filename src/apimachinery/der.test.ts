import { expect, test } from 'vitest';
import { bits, elements, integer, octets, oid, sequence, tagged, time } from './der.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test.each([
  [integer(2), '020102'],
  [oid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
  [oid('2.5.29.17'), '0603551d11'],
  [bits(Buffer.of(0xa0), 5), '030205a0'],
  [tagged(2, Buffer.from('a'), 'primitive'), '820161'],
  [tagged(3, sequence(), 'constructed'), 'a3023000'],
  [time(Date.UTC(2049, 11, 31, 23, 59, 59)), '170d3439313233313233353935395a'],
  [time(Date.UTC(2050, 0, 1)), '180f32303530303130313030303030305a'],
  [octets(Buffer.alloc(200)).subarray(0, 3), '0481c8'],
  [octets(Buffer.alloc(70_000)).subarray(0, 5), '0483011170'],
])('%#: as X.690 has it', (encoded, expected) => {
  expect(hex(encoded)).toBe(expected);
});

test('elements are read as they were written, and cut ones refused', () => {
  const bytes = Buffer.concat([integer(1), octets(Buffer.alloc(300, 7)), sequence(integer(5))]);
  const found = elements(bytes);
  expect(found.map(({ tag, content }) => [tag, content.length])).toEqual([
    [2, 1],
    [4, 300],
    [48, 3],
  ]);
  expect(hex(Buffer.concat(found.map(({ whole }) => whole)))).toBe(hex(bytes));
  expect(() => elements(bytes.subarray(0, -1))).toThrow(RangeError);
});
