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
])('%j: %s is %j', (text, key, value) => expect(valueInFile(text, key)).toBe(value));
