import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realFiles } from './files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('of writes to one file at a time one stands, whole', async () => {
  const path = join(folder, 'below', 'file');
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
  await Promise.all(texts.map((text) => realFiles.write(path, text)));
  expect(texts).toContain(await realFiles.read(path));
  expect(readdirSync(join(folder, 'below'))).toEqual(['file']);
});

test('of a write that fails nothing is left', async () => {
  mkdirSync(join(folder, 'taken'));
  await expect(realFiles.write(join(folder, 'taken'), 'text')).rejects.toThrow('EISDIR');
  expect(readdirSync(folder)).toEqual(['taken']);
});

test('a file that is not there', async () => {
  expect(await realFiles.read(join(folder, 'none'))).toBeUndefined();
});
