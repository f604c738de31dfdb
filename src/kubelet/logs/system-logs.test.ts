import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realExec } from '../../system/real/exec.ts';
import { folderPage, systemLog } from './system-logs.ts';

let base: string;
let root: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'system-logs-'));
  root = join(base, 'log');
  await mkdir(join(root, 'pods', 'a b'), { recursive: true });
  await mkdir(join(base, 'logs'));
  await writeFile(join(root, 'syslog'), 'hello\n');
  await writeFile(join(root, 'pods', '0.log'), 'pod\n');
  await writeFile(join(base, 'secret'), 'secret\n');
  await writeFile(join(base, 'logs', 'secret'), 'secret\n');
  await symlink(join(root, 'pods', '0.log'), join(root, 'inside'));
  await symlink('../secret', join(root, 'outside'));
  await symlink(base, join(root, 'up'));
  await realExec.run(['mkfifo', join(root, 'pipe')]);
});

afterAll(() => rm(base, { recursive: true }));

async function seen(path: string): Promise<string | readonly string[] | undefined> {
  const found = await systemLog(root, path);
  if (found?.kind !== 'file') return found?.names;
  const text = await found.file.readFile('utf8');
  await found.file.close();
  return text;
}

test('folders are listed and files are read', async () => {
  expect(await seen('')).toEqual(['inside', 'outside', 'pipe', 'pods/', 'syslog', 'up']);
  expect(await seen('pods/')).toEqual(['0.log', 'a b/']);
  expect(await seen('syslog')).toBe('hello\n');
  expect(await seen('inside')).toBe('pod\n');
});

test.for([
  'none',
  'pipe',
  '../secret',
  '../logs/secret',
  '..',
  'pods/../../secret',
  'outside',
  'up/secret',
  'up',
  'syslog\0',
])('%j is not shown', async (path) => {
  expect(await seen(path)).toBeUndefined();
});

test('names are links, whatever signs they have', () => {
  expect(folderPage(['a b/', '<i>', 'x:y'])).toBe(
    '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n<a href="a%20b/">a b/</a>\n<a href="%3Ci%3E">&#60;i&#62;</a>\n<a href="x%3Ay">x:y</a>\n</pre>\n',
  );
});
