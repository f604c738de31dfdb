// dnsperf (Debian's package) against a responder, each on a core of its own: on one core, what is measured is who has it.
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineFlags } from '../../src/cluster/launch.ts';
import { percentile } from '../percentile.ts';

const SECONDS = 4;

export interface Target {
  readonly port: number;
  readonly pid: number;
}

/** Starts a responder of this folder, asks it every question of a file once (code is translated, replies are prepared), measures. */
export async function measured<T>(file: string, questions: string, measure: (target: Target) => T): Promise<T> {
  const child = fork(join(import.meta.dirname, file), [], { execArgv: [...engineFlags('dns')] });
  try {
    const [port] = (await once(child, 'message')) as [number];
    const target = { port, pid: child.pid ?? 0 };
    const { ofServer } = cores();
    if (ofServer !== undefined) execFileSync('taskset', ['-acp', ofServer, String(target.pid)]);
    dnsperf(target, ['-d', questions, '-n', '1']);
    return measure(target);
  } finally {
    child.kill();
  }
}

/** Two of the cores that this process may use (proc(5): status, `0-3,8`); none where it has but one. */
function cores(): { readonly ofServer?: string; readonly ofClient?: string } {
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const [ofServer, ofClient] = list.split(',').flatMap((range) => {
    const [first = '', last = first] = range.split('-');
    return first === last ? [first] : [first, String(Number(first) + 1)];
  });
  return ofServer === undefined || ofClient === undefined ? {} : { ofServer, ofClient };
}

/**
 * One thread that plays eight clients; returns what it printed, by way of a file: nobody else reads or works meanwhile. The file
 * is in memory, for a line for each query is a lot that the kernel would bring to a disk beside what is measured.
 */
function dnsperf({ port }: Target, args: readonly string[], by: readonly string[] = []): string {
  const file = join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `portico-dnsperf-${process.pid}`);
  const output = openSync(file, 'w');
  const { ofClient } = cores();
  const own = ofClient === undefined ? by : [...by, 'taskset', '-c', ofClient];
  const [program = '', ...rest] = [...own, 'dnsperf', '-s', '127.0.0.1', '-p', String(port), '-c', '8', '-T', '1'];
  try {
    const { status, error } = spawnSync(program, [...rest, '-q', '200', ...args], {
      stdio: ['ignore', output, 'inherit'],
    });
    if (status !== 0) throw error ?? new Error(`dnsperf ended with ${status}`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(output);
    rmSync(file);
  }
}

/**
 * Queries per second, as the clock has it, and per second that the server had a core: the same on a machine that is otherwise
 * idle, and still comparable on one that is not.
 */
export function queriesPerSecond(target: Target, questions: string, transport: 'udp' | 'tcp' = 'udp') {
  const before = processorSeconds(target.pid);
  const output = dnsperf(target, ['-d', questions, '-l', String(SECONDS), '-m', transport]);
  const seconds = processorSeconds(target.pid) - before;
  const completed = Number(/Queries completed:\s+(\d+)/.exec(output)?.[1]);
  return { rate: completed / seconds, byClock: Number(/Queries per second:\s+([\d.]+)/.exec(output)?.[1]) };
}

/** What a process has used, in ticks of 10 ms (proc(5): stat, fields 14 and 15). */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

interface TailOptions {
  readonly questions: string;
  /** Queries per second. */
  readonly rate: number;
  /**
   * Whether both sides run before the threads that the kernel itself has on their cores (RCU, DAMON, workers): on small virtual
   * machines these take a core for 1 to 6 ms several times a second, which is most of a tail there.
   */
  readonly realTime: boolean;
}

/** Milliseconds within which 99 of 100 replies come. */
export function p99(target: Target, { questions, rate, realTime }: TailOptions): number {
  if (realTime) execFileSync('chrt', ['--reset-on-fork', '--rr', '--pid', '1', String(target.pid)]);
  const client = realTime ? ['chrt', '--rr', '1'] : [];
  // With -v each query has a line that ends with its seconds.
  const args = ['-d', questions, '-l', String(SECONDS), '-Q', String(Math.round(rate)), '-v'];
  const output = dnsperf(target, args, client);
  const times = [...output.matchAll(/^> \S+ .* ([\d.]+)$/gm)].map(([, seconds]) => Number(seconds));
  return percentile(times, 0.99) * 1000;
}
