import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeLog, rotateLog } from './log-rotation.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-rotation-'));
  path = join(folder, '0.log');
});
afterEach(() => rmSync(folder, { recursive: true }));

const start = Date.parse('2026-01-01T12:00:00Z');

function rotate(text: string, at: number): Promise<boolean> {
  writeFileSync(path, text);
  const reopen = async () => writeFileSync(path, '');
  return rotateLog({ path, now: start + at, maxBytes: 4, maxFiles: 3, reopen });
}

test('a file that is too long is moved aside; older ones are packed and the oldest goes', async () => {
  expect(await rotate('1234', 0)).toBe(false);
  expect(await rotate('first', 0)).toBe(true);
  expect(readdirSync(folder)).toEqual(['0.log', '0.log.20260101-120000.000']);
  await rotate('second', 1500);
  expect(readdirSync(folder)).toEqual(['0.log', '0.log.20260101-120000.000.gz', '0.log.20260101-120001.500']);
  expect(gunzipSync(readFileSync(join(folder, '0.log.20260101-120000.000.gz'))).toString()).toBe('first');
  await rotate('third', 2000);
  expect(readdirSync(folder)).toEqual(['0.log', '0.log.20260101-120001.500.gz', '0.log.20260101-120002.000']);
  expect(readFileSync(path, 'utf8')).toBe('');
});

test('when the runtime cannot reopen it, the file is where it was', async () => {
  writeFileSync(path, 'long text');
  const reopen = () => Promise.reject(new Error('gone'));
  await expect(rotateLog({ path, now: start, maxBytes: 4, maxFiles: 3, reopen })).rejects.toThrow('gone');
  expect(readdirSync(folder)).toEqual(['0.log']);
});

test('a file that is gone is made anew: an agent may have been killed between its two steps', async () => {
  const reopen = async () => writeFileSync(path, '');
  expect(await rotateLog({ path, now: start, maxBytes: 4, maxFiles: 3, reopen })).toBe(false);
  expect(readdirSync(folder)).toEqual(['0.log']);
});

test('a log goes with all that was rotated of it, and without those of others', async () => {
  for (const name of [
    '0.log.20260101-120000.000.gz',
    '0.log.20260101-120001.500',
    '1.log',
    '10.log.20260101-120000.000',
  ])
    writeFileSync(join(folder, name), '');
  writeFileSync(path, '');
  await removeLog(path);
  await removeLog(join(folder, 'none', '0.log'));
  expect(readdirSync(folder)).toEqual(['1.log', '10.log.20260101-120000.000']);
});
