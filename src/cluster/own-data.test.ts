import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { realFiles } from '../system/real/files.ts';
import { requireDataOf, requirePurgeable } from './own-data.ts';

const scratch = mkdtempSync(join(tmpdir(), 'portico-own-data-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('a folder is not shared by two clusters', () => {
  const cluster = { name: 'blue', dataDir: '/data' };
  expect(() => requireDataOf({ name: 'green' }, cluster)).toThrow(
    '/data holds the data of the cluster green; choose another --data-dir, or --name green',
  );
  expect(() => requireDataOf({ name: 'blue' }, cluster)).not.toThrow();
  expect(() => requireDataOf(undefined, cluster)).not.toThrow();
});

test.each<[what: string, files: Record<string, string>, refusal: RegExp | undefined]>([
  ['nothing', {}, undefined],
  ['a cluster', { version: '1\n', 'cluster.json': '{"name":"blue"}' }, undefined],
  [
    'a cluster of another name',
    { version: '1\n', 'cluster.json': '{"name":"green"}' },
    /the data of the cluster green/,
  ],
  ['a cluster of another version', { version: '99\n', 'server/state.db': '' }, undefined],
  ['a damaged record', { version: '1\n', 'cluster.json': '{"na' }, undefined],
  ['what an `up` wrote that failed early', { 'logs/server.log': '', 'images/built-in.tar': '' }, undefined],
  ['an agent', { 'pki/ca.crt': '', 'containerd/x': '' }, undefined],
  ['something else', { 'logs/x': '', 'thesis.txt': 'mine' }, /not Portico's \(thesis\.txt\): nothing was removed/],
])('down --purge of a folder with %s', async (what, files, refusal) => {
  const dataDir = join(scratch, what.replaceAll(/\W/g, '-'));
  mkdirSync(dataDir);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dataDir, file)), { recursive: true });
    writeFileSync(join(dataDir, file), text);
  }
  const asked = requirePurgeable(realFiles, { name: 'blue', dataDir });
  await (refusal ? expect(asked).rejects.toThrow(refusal) : expect(asked).resolves.toBeUndefined());
  expect(existsSync(dataDir)).toBe(true);
});
