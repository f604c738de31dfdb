// Processes of a cluster are known by their environment, which children inherit and a reused process id cannot forge:
// PORTICO_CLUSTER, PORTICO_NODE and PORTICO_PART. Nothing about processes is kept in files, so nothing can be stale.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../system/clock.ts';

export interface ClusterProcess {
  readonly pid: number;
  readonly parent: number;
  /** The process that began its session: itself, for whatever `startDetached` started. */
  readonly session: number;
  /** `server`, `node`, `containerd`, `agent`; undefined for what is not marked itself (a container's processes). */
  readonly part?: string;
  readonly node?: string;
  /** The program's name, at most 15 characters. */
  readonly comm: string;
  /** Resident memory in bytes. */
  readonly rss: number;
}

interface RawProcess extends ClusterProcess {
  readonly cluster?: string;
}

function readProcess(pid: number): RawProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const close = stat.lastIndexOf(')');
    const fields = stat.slice(close + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
    const value = (key: string): string | undefined => {
      const at = environment.startsWith(`${key}=`) ? 0 : environment.indexOf(`\0${key}=`) + 1;
      if (at === 0 && !environment.startsWith(`${key}=`)) return undefined;
      const end = environment.indexOf('\0', at);
      return environment.slice(at + key.length + 1, end < 0 ? undefined : end);
    };
    return {
      pid,
      parent: Number(fields[1]),
      session: Number(fields[3]),
      comm: stat.slice(stat.indexOf('(') + 1, close),
      rss: Number(fields[21]) * 4096,
      cluster: value('PORTICO_CLUSTER'),
      node: value('PORTICO_NODE'),
      part: value('PORTICO_PART'),
    };
  } catch {
    return undefined; // ended while we looked
  }
}

/** Process ids in the cgroups at and below `/<name>` of every hierarchy. */
function processesOfCgroups(name: string): Set<number> {
  const pids = new Set<number>();
  for (const folder of cgroupFolders(name)) {
    try {
      for (const pid of readFileSync(`${folder}/cgroup.procs`, 'utf8').split('\n')) if (pid) pids.add(Number(pid));
    } catch {
      // removed while we looked
    }
  }
  return pids;
}

/** Folders of the cgroup `/<name>` and all below it in every hierarchy, children before parents. */
export function cgroupFolders(name: string): string[] {
  const root = '/sys/fs/cgroup';
  const roots = [
    root,
    ...readdirSync(root, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [`${root}/${e.name}`] : [])),
  ];
  const found: string[] = [];
  const visit = (folder: string): void => {
    let entries: ReturnType<typeof listFolders>;
    try {
      entries = listFolders(folder);
    } catch {
      return;
    }
    for (const entry of entries) visit(`${folder}/${entry}`);
    found.push(folder);
  };
  for (const hierarchy of roots) visit(`${hierarchy}/${name}`);
  return found;
}

function listFolders(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [e.name] : []));
}

/** Every process of the cluster: marked ones, what runs in its cgroups, and all their descendants. */
export function clusterProcesses(cluster: string, cgroup: string): ClusterProcess[] {
  const all: RawProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const process = readProcess(Number(entry));
    if (process) all.push(process);
  }
  const inCgroups = processesOfCgroups(cgroup);
  const ours = new Map<number, RawProcess>();
  for (const process of all) {
    if (process.pid !== globalThis.process.pid && (process.cluster === cluster || inCgroups.has(process.pid))) {
      ours.set(process.pid, process);
    }
  }
  for (let grew = true; grew; ) {
    grew = false;
    for (const process of all) {
      if (!ours.has(process.pid) && ours.has(process.parent) && process.pid !== globalThis.process.pid) {
        ours.set(process.pid, process);
        grew = true;
      }
    }
  }
  return [...ours.values()];
}

/**
 * The process that is a part, among a cluster's. Shims and helper programs carry the marks of the part that started them, and
 * may outlive it; none of them begins a session.
 */
export function findPart(
  processes: readonly ClusterProcess[],
  part: string,
  node?: string,
): ClusterProcess | undefined {
  return processes.find(
    (p) =>
      p.part === part && p.node === node && p.session === p.pid && (part !== 'containerd' || p.comm === 'containerd'),
  );
}

/** A process that is in the namespaces of a node: its holder, or what lives on without it, shims last of all. */
export function insiderOf(processes: readonly ClusterProcess[], node: string): ClusterProcess | undefined {
  const part = (name: string) => findPart(processes, name, node);
  const isShim = (p: ClusterProcess) => p.node === node && p.part === 'containerd' && p.comm === 'containerd-shim';
  return part('node') ?? part('containerd') ?? part('agent') ?? processes.find(isShim);
}

/** The process, if its command ends in these words; one that was started with others is ended, for a new one to take its place. */
export async function endUnless(
  pid: number | undefined,
  words: readonly string[],
  clock: Clock,
): Promise<number | undefined> {
  if (pid === undefined || runsWith(pid, words)) return pid;
  await endProcess(pid, clock);
  return undefined;
}

function runsWith(pid: number, words: readonly string[]): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    return command.slice(-words.length).join('\0') === words.join('\0');
  } catch {
    return false; // it ended while we looked
  }
}

/** Milliseconds that a process may take to end by itself. */
const endTimeout = 10_000;

/** Asks a process to end, so that it can hand over what it holds, and resolves when it is gone. */
async function endProcess(pid: number, clock: Clock): Promise<void> {
  const end = clock.monotonic() + endTimeout;
  for (let signal: NodeJS.Signals | 0 = 'SIGTERM'; readProcess(pid); signal = clock.monotonic() > end ? 'SIGKILL' : 0) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    await clock.sleep(10);
  }
}

export interface PartCommand {
  readonly command: readonly string[];
  readonly cluster: string;
  readonly node?: string;
  readonly part: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Output goes here; what the one before it said is kept beside it, with `.1` at the end. */
  readonly log: string;
}

/** Starts a process that outlives this one. Returns its id; rejects when the program cannot be started. */
export function startDetached({ command, cluster, node, part, env, log }: PartCommand): Promise<number> {
  mkdirSync(dirname(log), { recursive: true });
  if (existsSync(log)) renameSync(log, `${log}.1`);
  const output = openSync(log, 'a', 0o600);
  return new Promise<number>((resolve, reject) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      detached: true,
      cwd: '/',
      stdio: ['ignore', output, output],
      env: { ...partEnvironment({ cluster, node, part }), ...env },
    });
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      resolve(child.pid ?? 0);
    });
  }).finally(() => closeSync(output));
}

/** The environment of a part: no more of the caller's than programs need, and the marks. */
export function partEnvironment({
  cluster,
  node,
  part,
}: {
  cluster: string;
  node?: string;
  part: string;
}): NodeJS.ProcessEnv {
  const { PATH, LANG, TZ, NODE_COMPILE_CACHE } = process.env;
  return {
    PATH,
    ...(LANG && { LANG }),
    ...(TZ && { TZ }),
    ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }),
    HOME: '/root',
    PORTICO_CLUSTER: cluster,
    ...(node && { PORTICO_NODE: node }),
    PORTICO_PART: part,
  };
}
