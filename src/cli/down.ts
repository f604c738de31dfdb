// `portico down`: removes every trace of a cluster from this machine.
import type { Command } from 'commander';
import {
  addClusterOptions,
  addOutputOption,
  type ClusterFlags,
  pathsOf,
  purgeCommand,
  tools,
} from './cluster-options.ts';

interface Flags extends ClusterFlags {
  readonly purge?: boolean;
  readonly output?: string;
}

async function run(flags: Flags): Promise<void> {
  const [{ requireRoot }, { requireDataOfRunning, requirePurgeable }, { down }, { withLock }, { clusterLock }] =
    await Promise.all([
      import('../cluster/preflight.ts'),
      import('../cluster/own-data.ts'),
      import('../cluster/down.ts'),
      import('../cluster/lock.ts'),
      import('../cluster/layout.ts'),
    ]);
  requireRoot('down');
  const paths = await pathsOf(flags);
  const purge = flags.purge ?? false;
  const cluster = { name: flags.name, dataDir: paths.data };
  await requireDataOfRunning(tools.files, cluster, 'leave --data-dir out');
  if (purge) await requirePurgeable(tools.files, cluster);
  const removed = await withLock({ path: clusterLock(flags.name), purpose: 'changing this cluster' }, () =>
    down({ ...tools, name: flags.name, paths, purge }),
  );
  const { existsSync } = await import('node:fs');
  const kept = existsSync(paths.data) ? paths.data : undefined;
  if (flags.output === 'json') console.log(JSON.stringify({ name: flags.name, removed, dataDir: kept }, null, 2));
  else if (removed.length === 0) console.log(`Cluster ${flags.name} is not up: nothing to remove.`);
  else console.log(`Removed ${removed.join(', ')}.`);
  if (kept === undefined || flags.output === 'json') return;
  console.log(`Its data stays in ${kept}; this removes it too: ${purgeCommand(flags.name, kept)}`);
}

export function register(command: Command): void {
  addOutputOption(addClusterOptions(command).option('--purge', 'remove its data too')).action(run);
}
