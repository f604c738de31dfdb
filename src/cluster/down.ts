// Finds and removes every trace of a cluster by its name alone, so that it also works when a run died in the middle or
// its data folder is gone.
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import { mountPoints } from '../system/mount-points.ts';
import { releaseClaims } from './claims.ts';
import { Failure } from './failure.ts';
import { linkNames, restoreForwarding, runBatch } from './host-network.ts';
import { bridgeName, type ClusterPaths, cgroupName, namespacePrefix, nftTable, runRoot } from './layout.ts';
import { cgroupFolders, clusterProcesses } from './processes.ts';
import { runningRecords } from './record.ts';

export interface DownOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly name: string;
  readonly paths: ClusterPaths;
  /** Also remove the data folder. */
  readonly purge: boolean;
}

/** How long killed processes may take to leave, in milliseconds. */
const killTimeout = 60_000;

/**
 * How long whoever adopted the killed processes may take to collect them, in milliseconds. Until then `ps` shows them as
 * defunct; an init that never collects is no failure of ours.
 */
const collectTimeout = 3000;

/** Returns what was found and removed, in words; empty when there was nothing. */
export async function down(options: DownOptions): Promise<string[]> {
  const { exec, name, paths } = options;
  const removed: string[] = [];
  const note = (count: number, what: string): void => {
    if (count > 0) removed.push(`${count} ${what}${count === 1 ? '' : what.endsWith('s') ? 'es' : 's'}`);
  };
  const ended = await endProcesses(options);
  note(ended.size, 'process');
  note(await unmountBelow(exec, [paths.run, paths.data]), 'mount');
  note(await removeNetwork(exec, name), 'network object');
  await exec.run(['nft', 'delete', 'table', 'inet', nftTable(name)]);
  const heir = (await runningRecords()).find((other) => other.name !== name && other.egress);
  await restoreForwarding(paths.run, heir && join(runRoot, heir.name));
  await removeCgroups(options.clock, cgroupName(name));
  if (existsSync(paths.run)) await rm(paths.run, { recursive: true, force: true });
  releaseClaims(name);
  // The nodes of others have folders of their own mounted there, and would lose them with the place.
  const others = (await runningRecords()).some((other) => other.name !== name);
  for (const folder of others ? [] : [runRoot, '/run/containerd', '/var/lib/cni']) removeIfEmpty(folder);
  if (options.purge && existsSync(paths.data)) {
    await rm(paths.data, { recursive: true, force: true });
    removed.push(`the data in ${paths.data}`);
  }
  await collected(options.clock, ended);
  return removed;
}

/** Waits until the killed processes are off the process table. */
async function collected(clock: Clock, pids: ReadonlySet<number>): Promise<void> {
  const end = clock.monotonic() + collectTimeout;
  while ([...pids].some((pid) => existsSync(`/proc/${pid}`)) && clock.monotonic() < end) await clock.sleep(10);
}

/**
 * Kills every process of the cluster and waits until none is left. What they stored is safe at any moment. Returns the
 * ids of those that were there.
 */
async function endProcesses({ clock, name }: DownOptions): Promise<ReadonlySet<number>> {
  const seen = new Set<number>();
  const end = clock.monotonic() + killTimeout;
  for (;;) {
    const processes = clusterProcesses(name, cgroupName(name));
    if (processes.length === 0) return seen;
    for (const { pid } of processes) {
      seen.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // ended while we looked
      }
    }
    if (clock.monotonic() > end) {
      throw new Failure(
        `processes of the cluster would not end: ${processes.map((p) => `${p.pid} (${p.comm})`).join(', ')}`,
      );
    }
    await clock.sleep(5);
  }
}

/** Unmounts whatever is mounted at or below the folders, innermost first. */
async function unmountBelow(exec: Exec, folders: readonly string[]): Promise<number> {
  const isBelow = (path: string) => folders.some((folder) => path.startsWith(`${folder}/`));
  const mounts = (await mountPoints()).filter(isBelow).reverse();
  for (const mount of mounts) await exec.run(['umount', '--lazy', mount]);
  return mounts.length;
}

async function removeNetwork(exec: Exec, name: string): Promise<number> {
  const namespaces = (await readdir('/run/netns').catch(() => [])).filter((n) => n.startsWith(namespacePrefix(name)));
  const commands = namespaces
    .filter((n) => /^\d+$/.test(n.slice(namespacePrefix(name).length)))
    .map((n) => `netns delete ${n}`);
  const bridge = bridgeName(name);
  const links = await linkNames(exec);
  if (links.has(bridge)) {
    // A namespace's links are removed by the kernel in the background; the host's ends are removed here and now.
    const { stdout } = await exec.run(['ip', '-j', 'link', 'show', 'master', bridge]);
    const members = (JSON.parse(stdout || '[]') as { ifname: string }[]).map((l) => l.ifname);
    for (const link of [...members, bridge]) await exec.run(['ip', 'link', 'delete', link]);
  }
  await runBatch(exec, commands);
  return commands.length + (links.has(bridge) ? 1 : 0);
}

async function removeCgroups(clock: Clock, cgroup: string): Promise<void> {
  const end = clock.monotonic() + killTimeout;
  for (;;) {
    const folders = cgroupFolders(cgroup);
    if (folders.length === 0) return;
    let busy = '';
    for (const folder of folders) {
      try {
        rmdirSync(folder);
      } catch {
        busy = folder; // its last process is still on its way out
      }
    }
    if (busy && clock.monotonic() > end) throw new Failure(`the cgroup ${busy} is still in use`);
    if (busy) await clock.sleep(10);
  }
}

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}
