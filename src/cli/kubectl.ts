// `portico kubectl …`: the kubectl on PATH, or the one that comes with the development packages, on the cluster's kubeconfig.
// Everything from the first word that is not --name or --data-dir is kubectl's.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Command } from 'commander';
import { Failure } from '../cluster/failure.ts';
import { findKubectl } from '../cluster/kubectl.ts';
import { neverUp, pathsOf, readAdminKubeconfig } from './cluster-options.ts';
import { usage } from './flag-values.ts';

/** Takes our own options from the front. */
function splitArguments(args: readonly string[]): { name: string; dataDir?: string; rest: readonly string[] } {
  const own: { name: string; dataDir?: string } = { name: 'portico' };
  let i = 0;
  for (; i < args.length; i++) {
    const [option, inline] = (args[i] ?? '').split(/=(.*)/s);
    if (option !== '--name' && option !== '--data-dir') break;
    const value = inline ?? args[++i];
    if (!value) throw usage(`${option} needs a value`);
    if (option === '--name') own.name = value;
    else own.dataDir = value;
  }
  return { ...own, rest: args.slice(i) };
}

async function run(): Promise<void> {
  const { rest, ...flags } = splitArguments(process.argv.slice(3));
  const paths = await pathsOf(flags);
  const kubectl = await findKubectl(paths.data);
  if (!kubectl) throw new Failure('no kubectl on PATH; install it and try again');
  const isThere = (await readAdminKubeconfig(paths)) !== undefined;
  if (!isThere && !isHelp(rest)) throw neverUp(flags, paths);
  const env = { ...process.env, KUBECONFIG: paths.kubeconfig };
  process.exitCode = await new Promise<number>((resolve, reject) => {
    const child = spawn(kubectl, rest, { stdio: 'inherit', env });
    // Ctrl-C reaches kubectl by itself; this program waits for how it ends.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/** What kubectl answers by itself. */
function isHelp([first = '', ...more]: readonly string[]): boolean {
  return more.length === 0 && ['', '--help', '-h', 'help'].includes(first);
}

export function register(command: Command): void {
  command.helpOption(false).allowUnknownOption().allowExcessArguments().argument('[args...]').action(run);
}
