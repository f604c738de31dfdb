import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { giveToGroup, readers, writers } from './group-ownership.ts';

test.each([
  [writers, '2770', '660'],
  [readers, '2750', '640'],
])('%j: folders %s, files %s, and links keep their targets', async (how, folder, file) => {
  const root = mkdtempSync(join(tmpdir(), 'portico-group-'));
  const inside = join(root, 'volume');
  mkdirSync(join(inside, 'sub'), { recursive: true });
  writeFileSync(join(inside, 'sub', 'file'), '');
  writeFileSync(join(root, 'outside'), '');
  symlinkSync('../outside', join(inside, 'link'));
  for (const path of ['volume', 'volume/sub']) chmodSync(join(root, path), 0o700);
  for (const path of ['volume/sub/file', 'outside']) chmodSync(join(root, path), 0o600);
  // The own group, which everybody may give.
  const group = process.getgid?.() ?? 0;
  await giveToGroup(inside, { group, ...how });
  const mode = (path: string) => (lstatSync(join(root, path)).mode & 0o7777).toString(8);
  expect(['volume', 'volume/sub', 'volume/sub/file', 'outside'].map(mode)).toEqual([folder, folder, file, '600']);
  expect(lstatSync(join(inside, 'link')).gid).toBe(group);
  rmSync(root, { recursive: true });
});

test('what another pod removes from the volume meanwhile is passed over', async () => {
  const inside = mkdtempSync(join(tmpdir(), 'portico-group-'));
  const busy = join(inside, 'busy');
  mkdirSync(busy);
  for (let i = 0; i < 300; i++) writeFileSync(join(busy, `file-${i}`), '', { mode: 0o600 });
  const isGiven = (name: string) => (lstatSync(join(busy, name)).mode & 0o060) !== 0;
  const done = giveToGroup(inside, { group: process.getgid?.() ?? 0, ...writers });
  while (!readdirSync(busy).some(isGiven)) await setImmediate();
  rmSync(busy, { recursive: true });
  await done;
  rmSync(inside, { recursive: true });
  await expect(giveToGroup(inside, { group: 0, ...writers })).rejects.toThrow('ENOENT');
});
