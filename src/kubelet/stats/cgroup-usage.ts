// What the files of one cgroup tell, of versions 1 and 2 alike, reckoned as cAdvisor does. What a file does not tell is undefined.
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isUnified } from '../pod/cgroups.ts';

/** Times in seconds, memory in bytes, periods and quotas in microseconds; counters since the cgroup is there. */
export interface CgroupUsage {
  readonly cpu?: number | undefined;
  readonly userCpu?: number | undefined;
  readonly systemCpu?: number | undefined;
  readonly periods?: number | undefined;
  readonly throttledPeriods?: number | undefined;
  readonly throttled?: number | undefined;
  readonly memory?: number | undefined;
  readonly workingSet?: number | undefined;
  readonly rss?: number | undefined;
  readonly cache?: number | undefined;
  readonly swap?: number | undefined;
  /** How often memory was at its limit. */
  readonly failures?: number | undefined;
  /** Those of the cgroup itself, without those below it. */
  readonly pids?: readonly number[] | undefined;
  readonly cpuPeriod?: number | undefined;
  /** Undefined for none. */
  readonly cpuQuota?: number | undefined;
  readonly cpuShares?: number | undefined;
  /** 0 for none. */
  readonly memoryLimit?: number | undefined;
}

/** The text of a file; undefined where there is none. */
export type Texts = (file: string) => string | undefined;

/** With the hierarchy in version 1. */
const files1 = [
  'cpuacct/cpuacct.usage',
  'cpuacct/cpuacct.stat',
  'cpu/cpu.stat',
  'cpu/cpu.cfs_period_us',
  'cpu/cpu.cfs_quota_us',
  'cpu/cpu.shares',
  'memory/memory.usage_in_bytes',
  'memory/memory.stat',
  'memory/memory.failcnt',
  'memory/memory.limit_in_bytes',
  'memory/cgroup.procs',
];
const files2 = [
  'cpu.stat',
  'cpu.max',
  'cpu.weight',
  'memory.current',
  'memory.stat',
  'memory.swap.current',
  'memory.events',
  'memory.max',
  'cgroup.procs',
];

/** Of a cgroup from the root of every hierarchy (`/portico/burstable/podUID`); of one that is not there nothing is told. */
export async function readCgroup(mount: string, cgroup: string): Promise<CgroupUsage> {
  const unified = isUnified(mount);
  const read = async (file: string) => {
    const [hierarchy = '', name = ''] = file.split('/');
    const path = unified ? join(mount, cgroup, file) : join(mount, hierarchy, cgroup, name);
    return [file, await readFile(path, 'utf8').catch(() => undefined)] as const;
  };
  const texts = new Map(await Promise.all((unified ? files2 : files1).map(read)));
  return (unified ? usage2 : usage1)((file) => texts.get(file));
}

/** Processes and threads of a cgroup and those below it; undefined of one that is not there. */
export async function processCount(mount: string, cgroup: string): Promise<number | undefined> {
  const folder = isUnified(mount) ? join(mount, cgroup) : join(mount, 'pids', cgroup);
  return number(await readFile(join(folder, 'pids.current'), 'utf8').catch(() => undefined));
}

/** Processes of a cgroup and those below it, as a container with an init system has them; none of one that is not there. */
export async function processesOf(mount: string, cgroup: string): Promise<readonly number[]> {
  const folder = isUnified(mount) ? join(mount, cgroup) : join(mount, 'memory', cgroup);
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const lists = files.filter((file) => basename(file) === 'cgroup.procs');
  const texts = await Promise.all(lists.map((file) => readFile(join(folder, file), 'utf8').catch(() => undefined)));
  return texts.flatMap((text) => pids(text) ?? []);
}

const number = (text: string | undefined): number | undefined =>
  text === undefined || text.trim() === '' ? undefined : Number(text);

/** A line `name number` of a file. */
function field(text: string | undefined, name: string, unit = 1): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1];
  return found === undefined ? undefined : Number(found) / unit;
}

const pids = (text: string | undefined): number[] | undefined => text?.split('\n').filter(Boolean).map(Number);

/** What was not touched for long does not count. */
const workingSet = (memory: number | undefined, inactive = 0): number | undefined =>
  memory === undefined ? undefined : Math.max(0, memory - inactive);

/** More than any machine has is how version 1 writes none. */
const most = 2 ** 62;

/** USER_HZ. */
const ticks = 100;

export function usage1(texts: Texts): CgroupUsage {
  const [times, cpu, stat] = [texts('cpuacct/cpuacct.stat'), texts('cpu/cpu.stat'), texts('memory/memory.stat')];
  const total = number(texts('cpuacct/cpuacct.usage'));
  const quota = number(texts('cpu/cpu.cfs_quota_us'));
  const memory = number(texts('memory/memory.usage_in_bytes'));
  const limit = number(texts('memory/memory.limit_in_bytes'));
  return {
    cpu: total === undefined ? undefined : total / 1e9,
    userCpu: field(times, 'user', ticks),
    systemCpu: field(times, 'system', ticks),
    periods: field(cpu, 'nr_periods'),
    throttledPeriods: field(cpu, 'nr_throttled'),
    throttled: field(cpu, 'throttled_time', 1e9),
    memory,
    workingSet: workingSet(memory, field(stat, 'total_inactive_file')),
    rss: field(stat, 'total_rss'),
    cache: field(stat, 'total_cache'),
    swap: field(stat, 'total_swap'),
    failures: number(texts('memory/memory.failcnt')),
    pids: pids(texts('memory/cgroup.procs')),
    cpuPeriod: number(texts('cpu/cpu.cfs_period_us')),
    cpuQuota: quota !== undefined && quota > 0 ? quota : undefined,
    cpuShares: number(texts('cpu/cpu.shares')),
    memoryLimit: limit !== undefined && limit > most ? 0 : limit,
  };
}

export function usage2(texts: Texts): CgroupUsage {
  const [cpu, stat] = [texts('cpu.stat'), texts('memory.stat')];
  const [quota, period] = texts('cpu.max')?.trim().split(' ') ?? [];
  const weight = number(texts('cpu.weight'));
  const memory = number(texts('memory.current'));
  const limit = texts('memory.max')?.trim();
  return {
    cpu: field(cpu, 'usage_usec', 1e6),
    userCpu: field(cpu, 'user_usec', 1e6),
    systemCpu: field(cpu, 'system_usec', 1e6),
    periods: field(cpu, 'nr_periods'),
    throttledPeriods: field(cpu, 'nr_throttled'),
    throttled: field(cpu, 'throttled_usec', 1e6),
    memory,
    workingSet: workingSet(memory, field(stat, 'inactive_file')),
    rss: field(stat, 'anon'),
    cache: field(stat, 'file'),
    swap: number(texts('memory.swap.current')),
    failures: field(texts('memory.events'), 'max'),
    pids: pids(texts('cgroup.procs')),
    cpuPeriod: number(period),
    cpuQuota: quota === 'max' ? undefined : number(quota),
    // The shares that become this weight (pod/cgroups.ts).
    cpuShares: weight === undefined ? undefined : 2 + Math.floor(((weight - 1) * 262_142) / 9999),
    memoryLimit: limit === 'max' ? 0 : number(limit),
  };
}
