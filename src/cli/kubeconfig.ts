// `portico kubeconfig`: prints the administrator's kubeconfig of a cluster.
import type { Command } from 'commander';
import { addClusterOptions, type ClusterFlags, neverUp, pathsOf, readAdminKubeconfig } from './cluster-options.ts';

async function run(flags: ClusterFlags): Promise<void> {
  const paths = await pathsOf(flags);
  const text = await readAdminKubeconfig(paths);
  if (text === undefined) throw neverUp(flags, paths);
  process.stdout.write(text);
}

export function register(command: Command): void {
  addClusterOptions(command).action(run);
}
