// `portico kubeconfig`: prints the administrator's kubeconfig of a cluster.
import type { Command } from 'commander';
import { errorMessage } from '../apimachinery/error-message.ts';
import { Failure } from '../cluster/failure.ts';
import { addClusterOptions, type ClusterFlags, neverUp, pathsOf, tools } from './cluster-options.ts';

async function run(flags: ClusterFlags): Promise<void> {
  const paths = await pathsOf(flags);
  const text = await tools.files.read(paths.kubeconfig).catch((error: unknown) => {
    throw new Failure(`the kubeconfig cannot be read: ${errorMessage(error)}; run it with sudo`, { cause: error });
  });
  if (text === undefined) throw neverUp(flags, paths);
  process.stdout.write(text);
}

export function register(command: Command): void {
  addClusterOptions(command).action(run);
}
