// The folders of a pod's cgroup: one in each hierarchy of version 1 (`/sys/fs/cgroup/memory/…`), one in all of version 2
// (`/sys/fs/cgroup/…`). containerd makes them and leaves the pod's own behind.
import { existsSync } from 'node:fs';
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuPeriod, type PodCgroup } from './resources.ts';

export const cgroupMount = '/sys/fs/cgroup';

/** Whether the hierarchy is one of version 2. */
export function isUnified(mount: string): boolean {
  return existsSync(join(mount, 'cgroup.controllers'));
}

interface Setting {
  /** Below the mount, with the hierarchy in version 1. */
  readonly file: string;
  readonly text: string;
  /** Of a limit; undefined for none. */
  readonly limit?: number | undefined;
}

function settings(mount: string, cgroup: string, { cpuShares, cpuQuota, memoryLimit }: PodCgroup): Setting[] {
  if (isUnified(mount)) {
    // As upstream's kubelet turns shares (2 to 262144) into weights (1 to 10000); runc since 1.3.2 has another way.
    const weight = 1 + Math.floor(((cpuShares - 2) * 9999) / 262_142);
    return [
      { file: `${cgroup}/cpu.weight`, text: String(weight) },
      { file: `${cgroup}/cpu.max`, text: `${cpuQuota ?? 'max'} ${cpuPeriod}`, limit: cpuQuota },
      { file: `${cgroup}/memory.max`, text: String(memoryLimit ?? 'max'), limit: memoryLimit },
    ];
  }
  return [
    { file: `cpu/${cgroup}/cpu.shares`, text: String(cpuShares) },
    { file: `cpu/${cgroup}/cpu.cfs_quota_us`, text: String(cpuQuota ?? -1), limit: cpuQuota },
    { file: `memory/${cgroup}/memory.limit_in_bytes`, text: String(memoryLimit ?? -1), limit: memoryLimit },
  ];
}

/**
 * Gives a pod's cgroup, which is there, what it shall have. The kernel wants no child to have more than its parent, so a change is
 * made in two steps: before the containers' it may only grow (`isGrowth`). Rejects when the kernel refuses.
 */
export async function setPodCgroup(
  mount: string,
  cgroup: string,
  { isGrowth, ...wanted }: PodCgroup & { readonly isGrowth: boolean },
): Promise<void> {
  for (const { file, text, limit } of settings(mount, cgroup, wanted)) {
    const path = join(mount, file);
    const present = await readFile(path, 'utf8').catch(() => undefined);
    // Without the hierarchy there is nothing to limit by.
    if (present === undefined || present.trim() === text) continue;
    const has = Number.parseInt(present, 10);
    // `-1` and `max` are no limit.
    const isLess = limit !== undefined && !(has > 0 && has < limit);
    if (!isGrowth || !isLess) await writeFile(path, text);
  }
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
