// The options by which commands say which cluster of this machine they mean.
import type { Command } from 'commander';
import { errorMessage } from '../apimachinery/error-message.ts';
import { Failure } from '../cluster/failure.ts';
import { type ClusterPaths, clusterNamePattern, clusterPaths, dataRoot } from '../cluster/layout.ts';
import { findDataDir } from '../cluster/record.ts';
import { realClock } from '../system/real/clock.ts';
import { realExec } from '../system/real/exec.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import { usage, wholeNumberBetween } from './flag-values.ts';
import { shellWord } from './shell-word.ts';

export interface ClusterFlags {
  readonly name: string;
  readonly dataDir?: string;
}

export const tools = { exec: realExec, clock: realClock, files: realFiles, random: realRandom };

export function addClusterOptions(command: Command): Command {
  return command
    .option('--name <name>', "the cluster's name on this machine", 'portico')
    .option('--data-dir <dir>', 'where it keeps its data (default: /var/lib/portico/NAME)');
}

/** Adds `--output`; the action gets `text` or `json`. */
export function addOutputOption(command: Command): Command {
  return command.option('-o, --output <format>', 'text or json', (value: string) => {
    if (value !== 'text' && value !== 'json')
      throw usage(`--output: ${JSON.stringify(value)} is neither text nor json`);
    return value;
  });
}

/** The command that starts the cluster, or what is missing of it. */
export const upCommand = (flags: ClusterFlags): string => clusterCommand('up', flags);

/** The command that removes the data of a cluster that is down: nothing else tells then where they are. */
export function purgeCommand(name: string, dataDir: string): string {
  const isUsual = dataDir === `${dataRoot}/${name}`;
  return `${clusterCommand('down', isUsual ? { name } : { name, dataDir })} --purge`;
}

function clusterCommand(command: string, { name, dataDir }: ClusterFlags): string {
  const words = [
    ...(name === 'portico' ? [] : ['--name', name]),
    ...(dataDir ? ['--data-dir', shellWord(dataDir)] : []),
  ];
  return ['sudo ./portico', command, ...words].join(' ');
}

/** What is said of a cluster that has no kubeconfig. */
export function neverUp(flags: ClusterFlags, { kubeconfig }: Pick<ClusterPaths, 'kubeconfig'>): Failure {
  return new Failure(
    `the cluster ${flags.name} has never been up (there is no ${kubeconfig}); start it with: ${upCommand(flags)}`,
  );
}

/** The text of the administrator's kubeconfig; undefined where there is none. Rejects with a Failure where it may not be read. */
export function readAdminKubeconfig({ kubeconfig }: Pick<ClusterPaths, 'kubeconfig'>): Promise<string | undefined> {
  return realFiles.read(kubeconfig).catch((error: unknown) => {
    throw new Failure(`the kubeconfig cannot be read: ${errorMessage(error)}; run it with sudo`, { cause: error });
  });
}

/** Reads `--hollow-nodes`; there is room for so many in 100.64.0.0/10. */
export const hollowCount = wholeNumberBetween('--hollow-nodes', 0, 16_128);

/** Where the files of the cluster are. Fails with exit code 2 for a name that is none. */
export async function pathsOf({ name, dataDir }: ClusterFlags): Promise<ClusterPaths> {
  if (!clusterNamePattern.test(name)) {
    throw usage(`--name: ${JSON.stringify(name)} is not a name of lower-case letters, digits and dashes (at most 32)`);
  }
  const { resolve } = await import('node:path');
  return clusterPaths(name, await findDataDir(realFiles, { name, ...(dataDir && { dataDir: resolve(dataDir) }) }));
}

/** Aborts when the user or the system asks the program to end. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Failure('interrupted', { exitCode: 130 })));
  }
  return controller.signal;
}
