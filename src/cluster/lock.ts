import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from './failure.ts';

/**
 * Holds the file `path` while `work` runs, so that two commands do not change the same cluster at once. A lock whose
 * process is gone (or whose id now belongs to another process) is taken over.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const mine = `${process.pid} ${startTime(process.pid)}`;
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(path, mine, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid, started] = read(path).split(' ');
    if (attempt > 3 || (pid && startTime(Number(pid)) === started)) {
      throw new Failure(`another portico command is changing this cluster (pid ${pid}); wait for it to end`);
    }
    rmSync(path, { force: true });
  }
  try {
    return await work();
  } finally {
    if (read(path) === mine) rmSync(path, { force: true });
    // The last cluster of the machine takes the folder with it.
    if (readdirSync(dirname(path)).length === 0) rmdirSync(dirname(path));
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Start of a process in clock ticks since boot: with its id, unique while the machine is up. */
function startTime(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
