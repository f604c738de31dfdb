import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readInside, valueInFile } from './env-file.ts';

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

test('a file is read inside its volume only', async () => {
  const root = mkdtempSync(join(tmpdir(), 'portico-env-'));
  mkdirSync(join(root, 'v'));
  writeFileSync(join(root, 'v', 'env'), 'A=1');
  writeFileSync(join(root, 'secret'), 'A=2');
  symlinkSync('../secret', join(root, 'v', 'out'));
  expect(await readInside(join(root, 'v'), 'env')).toBe('A=1');
  for (const path of ['out', '../secret', 'absent', '.'])
    expect(await readInside(join(root, 'v'), path)).toBeUndefined();
  rmSync(root, { recursive: true });
});
