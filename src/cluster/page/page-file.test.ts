import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realFiles } from '../../system/real/files.ts';
import { PageFile } from './page-file.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'portico-page-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const user = { name: 'jane', groups: [] };

test('what was kept is read again, by nobody else, without sessions that have ended', async () => {
  const path = folder();
  const file = new PageFile(realFiles, path);
  expect(await file.read(0)).toBeUndefined();
  const sessions = [1, 2].map((ends) => ({ hash: `h${ends}`, ends, session: { user } }));
  await file.write({ port: 4711, sessions });
  expect(statSync(join(path, 'page.json')).mode & 0o777).toBe(0o600);
  expect(await file.read(1)).toEqual({ port: 4711, sessions: [{ hash: 'h2', ends: 2, session: { user } }] });
});

test('what makes no sense is as nothing', async () => {
  const path = folder();
  writeFileSync(join(path, 'page.json'), '{"port": 47');
  expect(await new PageFile(realFiles, path).read(0)).toBeUndefined();
});
