import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Files } from '../files.ts';

/**
 * Makes a folder and those above it, one at a time: Node's own recursive way never ends where the kernel refuses with
 * ENOENT, as it does below /proc.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  if (existsSync(path)) return;
  await makeFolder(dirname(path), mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    // Someone else was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

export const realFiles: Files = {
  async read(path) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  async write(path, text, { mode } = {}) {
    await makeFolder(dirname(path));
    // Of this write alone: two of one file at a time must not take each other's away.
    const draft = `${path}.${randomUUID()}.tmp`;
    try {
      await writeFile(draft, text, { mode: mode ?? 0o644 });
      await rename(draft, path);
    } catch (error) {
      // A full disk would have one more for every try.
      await rm(draft, { force: true });
      // Of a write itself, as on a full disk, Node.js says no path.
      if (error instanceof Error && !('path' in error)) error.message += ` '${path}'`;
      throw error;
    }
  },
  async remove(path) {
    await rm(path, { recursive: true, force: true });
  },
};
