// `portico status`: parts, nodes, addresses, health and memory.
import type { Command } from 'commander';
import type { ClusterStatus } from '../cluster/status.ts';
import { addClusterOptions, addOutputOption, type ClusterFlags, pathsOf, tools, upCommand } from './cluster-options.ts';
import { shellWord } from './shell-word.ts';
import { table } from './table.ts';

interface Flags extends ClusterFlags {
  readonly output?: string;
}

async function run(flags: Flags): Promise<void> {
  const [{ requireRoot }, { requireDataOfRunning }, { status }] = await Promise.all([
    import('../cluster/preflight.ts'),
    import('../cluster/own-data.ts'),
    import('../cluster/status.ts'),
  ]);
  requireRoot('status');
  const paths = await pathsOf(flags);
  await requireDataOfRunning(tools.files, { name: flags.name, dataDir: paths.data }, 'leave --data-dir out');
  const found = await status(paths, flags.name, tools);
  if (flags.output === 'json') console.log(JSON.stringify(found, null, 2));
  else print(found, upCommand(flags));
  if (found.state !== 'running') process.exitCode = 1;
}

function print(status: ClusterStatus, start: string): void {
  console.log(`Cluster ${status.name}: ${status.state}`);
  if (status.parts.length === 0) {
    console.log(`Start it with: ${start}`);
    return;
  }
  if (status.server) {
    console.log(`API server ${status.server}, proxy mode ${status.proxyMode}, egress ${status.egress ? 'on' : 'off'}`);
    console.log(`KUBECONFIG=${shellWord(status.kubeconfig ?? '')}`);
  }
  const memory = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  console.log(
    `\n${table(
      ['NODE', 'ADDRESSES', 'POD RANGES', 'HEALTH'],
      status.nodes.map((n) => [n.name, n.addresses.join(','), n.podCIDRs.join(','), n.health]),
    )}`,
  );
  const rows = status.parts.map((p) => [
    p.part,
    p.node ?? '',
    p.pid === undefined ? '' : String(p.pid),
    memory(p.residentMemory),
    p.health,
  ]);
  console.log(`\n${table(['PART', 'NODE', 'PID', 'MEMORY', 'HEALTH'], rows)}`);
  if (status.state !== 'degraded') return;
  console.log(`\nWhat is missing is started by: ${start}; what runs goes on.`);
  const logs = status.parts.filter(({ health }) => health === 'not running').map(({ log }) => log);
  if (logs.length > 0) console.log(`What it said last: ${logs.join(', ')}`);
}

export function register(command: Command): void {
  addOutputOption(addClusterOptions(command)).action(run);
}
