// The folders of a pod's cgroup: one in each hierarchy of version 1 (`/sys/fs/cgroup/memory/…`), one in all of version 2
// (`/sys/fs/cgroup/…`). containerd makes them and leaves the pod's own behind.
import { existsSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

export const cgroupMount = '/sys/fs/cgroup';

/** Whether the hierarchy is one of version 2. */
export function isUnified(mount: string): boolean {
  return existsSync(join(mount, 'cgroup.controllers'));
}

/** Removes a cgroup (`/portico/burstable/podUID`) with all below it; what still has processes in it stays. */
export async function removeCgroup(mount: string, cgroup: string): Promise<void> {
  const hierarchies = (await folders(mount)).map((name) => join(mount, name));
  await Promise.all([mount, ...hierarchies].map((root) => removeTree(join(root, cgroup))));
}

/** Children before their parent: a cgroup is removed as an empty folder, whatever files it shows. */
async function removeTree(path: string): Promise<void> {
  for (const name of await folders(path)) await removeTree(join(path, name));
  await rmdir(path).catch(() => {});
}

/** None of what is not there. Links (`cpu` to `cpu,cpuacct`) lead where others lead. */
async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
