// Volumes that belong to the pod's fsGroup: what upstream's kubelet does to their owners and modes (SetVolumeOwnership).
import { chmod, chown, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

interface Share {
  readonly group: number;
  /** What the group gets of files and, with the right to enter them, of folders. */
  readonly bits: number;
}

/** The group writes, too. */
export const writers = { bits: 0o660 } as const;
/** Of volumes that are only read. */
export const readers = { bits: 0o440 } as const;

const enter = 0o2110;

/** All of a folder becomes the group's; what is made in it will be too. Containers may be at work in it, and remove what was found. */
export async function giveToGroup(path: string, share: Share): Promise<void> {
  await giveOne(path, share);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    await (entry.isDirectory() ? giveToGroup(child, share) : giveOne(child, share)).catch(ignoreGone);
  }
}

function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** One file, folder or link; a link's target is left as it is. */
export async function giveOne(path: string, { group, bits }: Share): Promise<void> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return lchown(path, found.uid, group);
  await chown(path, found.uid, group);
  await chmod(path, (found.mode & 0o7777) | bits | (found.isDirectory() ? enter : 0));
}
