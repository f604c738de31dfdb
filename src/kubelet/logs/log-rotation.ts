// Rotates the logs of running containers: `0.log` becomes `0.log.20260101-120000`, older ones are packed, the oldest removed.
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { formatTime } from '../../apimachinery/time.ts';

export interface LogLimits {
  /** Bytes of a file; it is rotated when it is found to be longer. */
  readonly maxBytes: number;
  /** Files of one container, the present one among them; at least 2. */
  readonly maxFiles: number;
}

/** kubelet's containerLogMaxSize and containerLogMaxFiles. */
export const defaultLogLimits: LogLimits = { maxBytes: 10 * 1024 * 1024, maxFiles: 5 };

export interface Rotation extends LogLimits {
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Makes the runtime write to a new file at the path. */
  readonly reopen: () => Promise<void>;
}

/**
 * Rotates the file if it is too long; says whether it was. One that is gone is made anew. Nothing is lost when the runtime cannot
 * reopen it.
 */
export async function rotateLog({ path, now, maxBytes, maxFiles, reopen }: Rotation): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  // Moved aside by an agent that was killed then, or taken away: what the runtime writes is read and rotated by nobody.
  if (!found) await reopen();
  if (!found || found.size <= maxBytes) return false;
  const [removed, kept] = split(await rotatedOf(path), maxFiles - 2);
  for (const name of removed) await rm(join(dirname(path), name), { force: true });
  for (const name of kept) if (!name.endsWith('.gz')) await pack(join(dirname(path), name));
  const aside = `${path}.${stamp(now)}`;
  await rename(path, aside);
  try {
    await reopen();
  } catch (error) {
    await rename(aside, path);
    throw error;
  }
  return true;
}

/** Removes a log with all that was rotated of it. */
export async function removeLog(path: string): Promise<void> {
  const name = basename(path);
  const names = await readdir(dirname(path)).catch(() => []);
  const own = names.filter((one) => one === name || one.startsWith(`${name}.`));
  for (const one of own) await rm(join(dirname(path), one), { force: true });
}

/** Names of the rotated files of a log, oldest first. */
async function rotatedOf(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path));
  return names.filter((name) => name.startsWith(prefix) && !name.endsWith('.tmp')).sort();
}

/** The oldest, and the newest `keep` of them. */
function split(names: readonly string[], keep: number): [string[], string[]] {
  const at = Math.max(0, names.length - keep);
  return [names.slice(0, at), names.slice(at)];
}

async function pack(path: string): Promise<void> {
  const { createGzip } = await import('node:zlib'); // seldom needed, and half a megabyte
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.tmp`));
  await rename(`${path}.tmp`, `${path}.gz`);
  await rm(path);
}

/** `20260101-120000`, and the milliseconds after it, so that two of a second differ. */
function stamp(now: number): string {
  const text = formatTime(now).replace(/[-:Z]/g, '').replace('T', '-');
  return `${text}.${String(now % 1000).padStart(3, '0')}`;
}
