// What the machine has left and has used. Counters are since boot.
import { readFile, statfs } from 'node:fs/promises';

export interface MachineUsage {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** CPU time of all cores, in nanoseconds. */
  readonly cpuNanoSeconds: number;
  readonly memory: Amounts;
  /** The file system of the pods' volumes and logs, and of the images (they are one). */
  readonly disk: Amounts & { readonly inodes: number; readonly inodesFree: number };
  /** Not bytes: how many processes and threads there may be. */
  readonly processes: Amounts;
}

/** Bytes. */
export interface Amounts {
  readonly capacity: number;
  readonly available: number;
}

/** Of a tick of /proc/stat: USER_HZ is 100 on every Linux. */
const nanoSecondsPerTick = 10_000_000;

/** `rootDir` says which file system is meant. */
export async function machineUsage(rootDir: string, now: number): Promise<MachineUsage> {
  const [stat, meminfo, disk, load, ...most] = await Promise.all([
    readFile('/proc/stat', 'utf8'),
    readFile('/proc/meminfo', 'utf8'),
    statfs(rootDir),
    readFile('/proc/loadavg', 'utf8'),
    readFile('/proc/sys/kernel/pid_max', 'utf8'),
    readFile('/proc/sys/kernel/threads-max', 'utf8'),
  ]);
  const processes = Math.min(...most.map(Number));
  return {
    at: now,
    cpuNanoSeconds: busyTicks(stat) * nanoSecondsPerTick,
    memory: { capacity: kilobytes(meminfo, 'MemTotal'), available: kilobytes(meminfo, 'MemAvailable') },
    disk: {
      capacity: disk.blocks * disk.bsize,
      available: disk.bavail * disk.bsize,
      inodes: disk.files,
      inodesFree: disk.ffree,
    },
    processes: { capacity: processes, available: processes - Number(/\/(\d+)/.exec(load)?.[1] ?? 0) },
  };
}

/** user, nice, system, irq, softirq and steal of the first line; idle and iowait are none. */
function busyTicks(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (stat.split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}

function kilobytes(meminfo: string, name: string): number {
  return Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
}
