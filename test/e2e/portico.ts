// Runs the program as a user does, for the tests of whole clusters.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClusterStatus } from '../../src/cluster/status.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { mortal } from '../fixtures/mortal.ts';

export const launcher = resolve(import.meta.dirname, '../../portico');

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A cluster of a test's own: a name and a data folder. */
export interface TestCluster {
  readonly name: string;
  readonly dataDir: string;
  readonly kubeconfig: string;
  portico(command: string, ...args: readonly string[]): Promise<Run>;
  status(): Promise<ClusterStatus>;
  /** Kills a part of it that runs, as a crash does. */
  kill(part: string, node?: string): Promise<void>;
  /** Removes everything of it, whatever state it is in. */
  remove(): Promise<void>;
}

export function testCluster(purpose: string): TestCluster {
  // Two runs of the tests at once, from two checkouts, meet on one machine.
  const name = `${purpose}-${process.pid.toString(36)}`;
  const folder = mkdtempSync(join(tmpdir(), `portico-${name}-`));
  const dataDir = join(folder, 'data');
  const own = ['--name', name, '--data-dir', dataDir];
  const status = async () => {
    const { stdout, stderr } = await run([launcher, 'status', ...own, '--output', 'json']);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as ClusterStatus;
  };
  /** What ended of itself explains failures that come later, and goes with the cluster. */
  const tellOfTheDead = async () => {
    for (const { part, node, health, log } of (await status()).parts) {
      if (health === 'running') continue;
      const { stdout: end } = await run(['tail', '-n', '40', log]);
      console.error(`${part} of ${node ?? name} does not run; its log ends:\n${end}`);
    }
  };
  return {
    name,
    dataDir,
    kubeconfig: join(dataDir, 'kubeconfig'),
    portico: (command, ...args) => run([launcher, command, ...own, ...args]),
    status,
    async kill(part, node) {
      const { parts } = await status();
      const pid = parts.find((one) => one.part === part && one.node === node)?.pid;
      if (pid === undefined) throw new Error(`${part} of ${node ?? name} does not run`);
      process.kill(pid, 'SIGKILL');
    },
    async remove() {
      await tellOfTheDead().catch(console.error);
      await run([launcher, 'down', ...own, '--purge']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a program to its end with nothing on its standard input. */
export function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  return realExec.run(command, { env });
}

/** Starts a program that goes on; `stop` ends it and gives what it printed. */
export function start(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [program, ...args] = [...mortal, ...command];
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  return {
    output: () => output,
    ended,
    async stop(): Promise<string> {
      child.kill('SIGKILL');
      await ended;
      return output;
    },
  };
}

/** Milliseconds, which a test that passes never waits for: machines are busy at times. */
const timeout = 300_000;

/** Calls `look` until it gives something that is not undefined; rejects when time is over. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${timeout / 1000} s in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
