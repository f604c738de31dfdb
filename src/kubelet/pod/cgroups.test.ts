import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isUnified, removeCgroup, setPodCgroup } from './cgroups.ts';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** The folders that containerd makes for pods `podA` and `podB`, as they were seen below each hierarchy. */
function tree(hierarchies: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'portico-cgroups-'));
  roots.push(root);
  for (const hierarchy of hierarchies) {
    for (const pod of ['podA', 'podB']) {
      for (const child of ['d2f1a0', '9be317/init'])
        mkdirSync(join(root, hierarchy, 'portico/burstable', pod, child), { recursive: true });
    }
    mkdirSync(join(root, hierarchy, 'system.slice/ssh.service'), { recursive: true });
  }
  return root;
}

const left = (root: string) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => /pod[AB]$/.test(path) && !path.startsWith('cpu/'))
    .sort();

test('version 1: one folder in each hierarchy, those that links lead to once', async () => {
  const root = tree(['memory', 'cpu,cpuacct', 'pids']);
  symlinkSync('cpu,cpuacct', join(root, 'cpu'));
  await removeCgroup(root, '/portico/burstable/podA');
  expect(left(root)).toEqual(['cpu,cpuacct', 'memory', 'pids'].map((one) => `${one}/portico/burstable/podB`));
});

test('version 2: one folder below the mount itself', async () => {
  const root = tree(['']);
  await removeCgroup(root, '/portico/burstable/podA');
  expect(left(root)).toEqual(['portico/burstable/podB']);
  expect(readdirSync(root).sort()).toEqual(['portico', 'system.slice']);
});

test('the mount itself has controllers in version 2', () => {
  const [one, two] = [tree(['memory']), tree([''])];
  writeFileSync(join(two, 'cgroup.controllers'), 'cpu memory pids\n');
  expect([isUnified(one), isUnified(two)]).toEqual([false, true]);
});

test('what is not there is gone', async () => {
  await removeCgroup(tree(['']), '/portico/podC');
});

test.each([
  [
    '1',
    ['cpu/p/cpu.shares', '1024', '2'],
    ['cpu/p/cpu.cfs_quota_us', '-1', '50000'],
    ['memory/p/memory.limit_in_bytes', '4096', '8192'],
  ],
  ['2', ['p/cpu.weight', '39', '1'], ['p/cpu.max', 'max 100000', '50000 100000'], ['p/memory.max', '4096', '8192']],
])('version %s: a change makes a pod first larger, then smaller', async (version, ...files) => {
  const root = tree(['memory', 'cpu']);
  if (version === '2') writeFileSync(join(root, 'cgroup.controllers'), '');
  for (const [path = '', present = ''] of files) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), `${present}\n`);
  }
  const read = () => files.map(([path = '']) => readFileSync(join(root, path), 'utf8').trim());
  const wanted = { cpuShares: 2, cpuQuota: 50_000, memoryLimit: 8192 };
  const [shares, quota, memory] = files.map(([, present, changed]) => [present, changed]);
  await setPodCgroup(root, 'p', { ...wanted, isGrowth: true });
  expect(read()).toEqual([shares?.[1], quota?.[0], memory?.[1]]);
  await setPodCgroup(root, 'p', { ...wanted, isGrowth: false });
  expect(read()).toEqual([shares?.[1], quota?.[1], memory?.[1]]);
  await setPodCgroup(root, 'p', { cpuShares: 2, isGrowth: true });
  expect(read().slice(1)).toEqual(version === '2' ? ['max 100000', 'max'] : ['-1', '-1']);
  await setPodCgroup(root, 'absent', { cpuShares: 2, isGrowth: false });
});
