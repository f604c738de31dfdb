// Locks between commands of one machine. A lock is a symbolic link whose target says who holds it: made with its text in
// one step, so nobody ever sees one without a holder.
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../system/clock.ts';
import { Failure } from './failure.ts';

export interface Lock {
  readonly path: string;
  /** What its holder does, for the message of who waits in vain: `changing this cluster`. */
  readonly purpose: string;
  /** How long to wait for another holder; without it, not at all. */
  readonly patience?: { readonly clock: Clock; readonly ms: number };
}

/**
 * Holds the lock while `work` runs, so that two commands do not do the same at once. A lock whose process is gone (or whose
 * id now belongs to another process) is taken over.
 */
export async function withLock<T>({ path, purpose, patience }: Lock, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${startTime(process.pid)}`;
  const end = patience && patience.clock.monotonic() + patience.ms;
  for (let holder = take(path, mine); holder !== undefined; holder = take(path, mine)) {
    if (!patience || end === undefined || patience.clock.monotonic() >= end) {
      const waited = patience ? `, for ${patience.ms / 1000} s now` : '';
      throw new Failure(`another portico command is ${purpose} (pid ${holder}${waited}); wait for it to end`);
    }
    await patience.clock.sleep(10);
  }
  try {
    return await work();
  } finally {
    release(path, mine);
  }
}

/** The process that holds the lock now, if one does. */
export function lockHolder(path: string): number | undefined {
  const [pid, started] = (read(path) ?? '').split(' ');
  return pid && started !== undefined && startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** Takes the lock and returns undefined, or says who holds it. */
function take(path: string, mine: string): number | undefined {
  for (;;) {
    if (made(path, mine)) return undefined;
    const holder = lockHolder(path);
    if (holder !== undefined) return holder;
    const dead = read(path);
    if (dead === undefined) continue; // given back meanwhile
    // One at a time: a second would remove the lock of the first, who has it by then.
    const remover = take(`${path}.dead`, mine);
    if (remover !== undefined) return remover;
    if (read(path) === dead) rmSync(path, { force: true });
    release(`${path}.dead`, mine);
  }
}

function made(path: string, mine: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(mine, path);
    return true;
  } catch (error) {
    // ENOENT: the last cluster of the machine has just taken the folder with it.
    if (!['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
}

function release(path: string, mine: string): void {
  if (read(path) === mine) rmSync(path, { force: true });
  const folder = dirname(path);
  try {
    // The last cluster of the machine takes the folder with it.
    if (readdirSync(folder).length === 0) rmdirSync(folder);
  } catch {
    // Another has just done so, or has begun to use it.
  }
}

/** What the lock says; undefined where there is none. Locks were files once. */
function read(path: string): string | undefined {
  for (const reading of [() => readlinkSync(path), () => readFileSync(path, 'utf8')]) {
    try {
      return reading();
    } catch {
      // the next
    }
  }
  return undefined;
}

/** Start of a process in clock ticks since boot: with its id, unique while the machine is up. */
function startTime(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
