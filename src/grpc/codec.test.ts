import { expect, test } from 'vitest';
import { bool, int, message, repeated, string, stringMap, sub } from './codec.ts';

const inner = message({ name: string(1), attempt: int(2) });
const outer = message({
  metadata: sub(1, inner),
  args: repeated(string(2)),
  groups: repeated(int(3)),
  labels: stringMap(4),
  tty: bool(5),
  createdAt: int(16),
});

test('a message comes back as it was', () => {
  const value = {
    metadata: { name: 'ä', attempt: 3 },
    args: ['a', ''],
    groups: [0, 300, -1],
    labels: { app: 'web', 'x/y': '' },
    tty: true,
    createdAt: 2 ** 52,
  };
  expect(outer.decode(outer.encode(value))).toEqual(value);
});

test('parts of every length come back, and numbers of every size', () => {
  const nested = message({ inner: sub(1, message({ text: string(1), numbers: repeated(int(2)) })) });
  const numbers = [0, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -1, -(2 ** 31), -(2 ** 53) + 1];
  for (const length of [0, 120, 126, 127, 128, 16_383, 16_384, 2_097_150, 2_097_152]) {
    const value = { inner: { text: 'ä'.repeat(length / 2), numbers } };
    expect(nested.decode(nested.encode(value))).toEqual(value);
  }
});

test('fields that are absent have their initial value', () => {
  expect(outer.decode(new Uint8Array())).toEqual({
    metadata: undefined,
    args: [],
    groups: [],
    labels: {},
    tty: false,
    createdAt: 0,
  });
});

test('the bytes are those of the protocol buffers documentation', () => {
  const testMessage = message({ a: int(1) });
  expect(Buffer.from(testMessage.encode({ a: 150 })).toString('hex')).toBe('089601');
  expect(Buffer.from(message({ b: string(2) }).encode({ b: 'testing' })).toString('hex')).toBe('120774657374696e67');
});

test('packed numbers are read and unknown fields skipped', () => {
  const packed = Buffer.from('1a03012c00'.replace('2c00', 'ac02'), 'hex');
  expect(outer.decode(packed).groups).toEqual([1, 300]);
  const withUnknown = Buffer.concat([Buffer.from('f80601', 'hex'), outer.encode({ tty: true })]);
  expect(outer.decode(withUnknown).tty).toBe(true);
});

test('a message cut short is refused', () => {
  expect(() => outer.decode(Buffer.from('1205', 'hex'))).toThrow(RangeError);
});
