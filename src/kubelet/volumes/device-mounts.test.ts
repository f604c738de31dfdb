import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeExec } from '../../system/fake/exec.ts';
import { DeviceMounts } from './device-mounts.ts';

let rootDir = '';
beforeAll(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'portico-devices-'));
});
afterAll(() => rmSync(rootDir, { recursive: true }));

/** Of a device on which blkid finds this; `mount` answers with what is given. */
function start(found: string | undefined, mount: { readonly code?: number; readonly stderr?: string } = {}) {
  const exec = new FakeExec(({ command: [program] }) => {
    if (program === 'blkid') return found === undefined ? { code: 2 } : { stdout: found };
    return program === 'mount' ? mount : {};
  });
  const mounts = new DeviceMounts({ exec, rootDir });
  const wanted = { name: 'disk', device: '/dev/x', fsType: 'ext4', options: ['noatime'], uid: 'u1' };
  return { exec, mounts, mountIt: (uid = 'u1') => mounts.mount({ ...wanted, uid }) };
}

const programs = (exec: FakeExec) => exec.commands.map(({ command }) => command.join(' ').replace(rootDir, '.'));
const mounting = 'mount -t ext4 -o defaults,noatime /dev/x ./plugins/kubernetes.io/local-volume/mounts/disk';
const blkid = 'blkid -p -s TYPE -s PTTYPE -o export /dev/x';

test('an empty device gets a file system, one with the right one is checked', async () => {
  const empty = start(undefined);
  expect(await empty.mountIt()).toBe(join(rootDir, 'plugins/kubernetes.io/local-volume/mounts/disk'));
  expect(programs(empty.exec)).toEqual([blkid, 'mkfs.ext4 -F -m0 /dev/x', mounting]);
  const made = start('TYPE=ext4\n');
  await made.mountIt();
  expect(programs(made.exec)).toEqual([blkid, 'fsck -a /dev/x', mounting]);
});

test.each([
  ['TYPE=xfs\n', 'it already contains xfs'],
  ['PTTYPE=gpt\n', 'it already contains unknown data, probably partitions'],
])('%j is never formatted', async (found, why) => {
  const { exec, mountIt } = start(found, { code: 32, stderr: 'wrong fs type\n' });
  await expect(mountIt()).rejects.toThrow(
    `(fstype: ext4, err failed to mount the volume as "ext4", ${why}. Mount error: wrong fs type)`,
  );
  expect(programs(exec)).toEqual([blkid, mounting]);
});

test('what no pod uses any more goes, whichever agent mounted it', async () => {
  const { mountIt } = start('TYPE=ext4\n');
  const target = await mountIt('u1');
  const use = join(rootDir, 'pods/u1/volumes/kubernetes.io~local-volume/disk');
  expect(readlinkSync(use)).toBe(target);
  const later = start('TYPE=ext4\n').mounts;
  await later.sweep();
  expect(existsSync(target)).toBe(true);
  rmSync(join(rootDir, 'pods/u1'), { recursive: true });
  // Of another volume of another pod.
  mkdirSync(join(rootDir, 'pods/u2/volumes/kubernetes.io~local-volume/other'), { recursive: true });
  await later.sweep();
  expect(existsSync(target)).toBe(false);
});
