// What folders take of their disks, and what these have left. Counting is slow, so that a count is good for a minute.
import { statfs } from 'node:fs/promises';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import { Turns } from '../../system/turns.ts';

export interface FolderUsage {
  /** When it was counted (milliseconds since the epoch). */
  readonly at: number;
  /** Bytes and inodes of the folder. */
  readonly used: number;
  readonly inodesUsed: number;
  /** Of its file system. */
  readonly capacity: number;
  readonly available: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** Milliseconds (kubelet's volumeStatsAggPeriod). */
const lasting = 60_000;

export class DiskMeter {
  readonly #options: { readonly exec: Exec; readonly clock: Clock };
  #known: ReadonlyMap<string, FolderUsage> = new Map();
  readonly #turns = new Turns();

  constructor(options: { readonly exec: Exec; readonly clock: Clock }) {
    this.#options = options;
  }

  /** By path; a folder that is not there is left out. Those that nobody asks for are forgotten. */
  usage(paths: readonly string[]): Promise<ReadonlyMap<string, FolderUsage>> {
    // Counting may take longer than it lasts: whoever asks meanwhile waits for it, and does not count as well.
    return this.#turns.take(() => this.#usage(paths));
  }

  async #usage(paths: readonly string[]): Promise<ReadonlyMap<string, FolderUsage>> {
    const now = this.#options.clock.now();
    // One that is of later is of before the time was set back.
    const isFresh = ({ at }: FolderUsage) => at <= now && now - at < lasting;
    const fresh = paths.filter((path) => this.#known.has(path) && isFresh(this.#known.get(path)!));
    const counted = await this.#count(paths.filter((path) => !fresh.includes(path)));
    this.#known = new Map([...fresh.map((path) => [path, this.#known.get(path)!] as const), ...counted]);
    return this.#known;
  }

  async #count(paths: readonly string[]): Promise<(readonly [string, FolderUsage])[]> {
    const { exec, clock } = this.#options;
    const [bytes, inodes] = [await diskUse(exec, paths, 'bytes'), await diskUse(exec, paths, 'inodes')];
    const at = clock.now();
    const found = await Promise.all(
      paths.map(async (path): Promise<(readonly [string, FolderUsage])[]> => {
        const disk = await filesystemUsage(path, at);
        const used = bytes.get(path);
        return disk && used !== undefined ? [[path, { ...disk, used, inodesUsed: inodes.get(path) ?? 0 }]] : [];
      }),
    );
    return found.flat();
  }
}

const units = { bytes: '-B1', inodes: '--inodes' } as const;

/** What each of the folders takes of its disk, counted in one go. A file that has several names in it counts once. */
export async function diskUse(
  exec: Exec,
  paths: readonly string[],
  unit: keyof typeof units,
): Promise<ReadonlyMap<string, number>> {
  if (paths.length === 0) return new Map();
  const { stdout } = await exec.run(['du', '-sx', units[unit], '--', ...paths]);
  const lines = stdout.split('\n').flatMap((line) => {
    const [, count, path] = /^(\d+)\t(.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [[path, Number(count)] as const];
  });
  return new Map(lines);
}

/** Of all that is on the file system of a path; undefined when there is none. */
export async function filesystemUsage(path: string, at: number): Promise<FolderUsage | undefined> {
  const disk = await statfs(path).catch(() => undefined);
  return (
    disk && {
      at,
      used: (disk.blocks - disk.bfree) * disk.bsize,
      inodesUsed: disk.files - disk.ffree,
      capacity: disk.blocks * disk.bsize,
      available: disk.bavail * disk.bsize,
      inodes: disk.files,
      inodesFree: disk.ffree,
    }
  );
}
