import { expect, test } from 'vitest';
import { valueInFile } from './env-file.ts';

test.each([
  ['A=1\nB=2', 'B', '2'],
  ["  A = ' x y '  ", 'A', ' x y '],
  ["A='one\ntwo'\nB=3", 'A', 'one\ntwo'],
  ["A='one\nB=2'\nB=3", 'B', '3'],
  ['# A=1\n\nA=b c ', 'A', 'b c'],
  ['A=', 'A', ''],
  ['AA=1', 'A', undefined],
  ['A', 'A', undefined],
  ['A=1\r\nB=2\r\n', 'A', '1'],
  ["A='one\r\ntwo'\r\n", 'A', 'one\r\ntwo'],
  ["A='1' 2\nA=3", 'A', '3'],
  ["A='1\nA=2", 'A', '2'],
  ["A=it's\nA=2", 'A', '2'],
  ['# A=1\n=2\n A b = 3', 'A b', '3'],
])('%j: %s is %j', (text, key, value) => expect(valueInFile(text, key)).toBe(value));

test('a long text takes no longer than it is long', () => {
  const long = 1 << 20;
  for (const odd of ['\t', "A='\n", 'A=\t', '# '])
    expect(valueInFile(odd.repeat(long / odd.length), 'B')).toBeUndefined();
  expect(valueInFile(`${'\t'.repeat(long)}A${'\t'.repeat(long)}=${'\t'.repeat(long)}1${'\t'.repeat(long)}`, 'A')).toBe(
    '1',
  );
});
