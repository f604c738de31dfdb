import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readInside } from './read-inside.ts';

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
