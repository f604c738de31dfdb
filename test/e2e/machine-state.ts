// What a cluster could leave behind on a machine, as text to compare.
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { run } from './portico.ts';

export interface MachineState {
  readonly namespaces: string;
  readonly links: readonly string[];
  readonly rules: string;
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  /** Processes of a cluster: those that carry its mark, and containers' programs that the test knows by name. */
  readonly processes: readonly string[];
  readonly forwarding: string;
  readonly runFiles: readonly string[];
}

export async function machineState(cluster: string): Promise<MachineState> {
  const [namespaces, links, rules] = await Promise.all([
    run(['ip', 'netns', 'list']),
    run(['ip', '-brief', 'link', 'show']),
    run(['nft', 'list', 'ruleset']),
  ]);
  return {
    namespaces: namespaces.stdout,
    links: links.stdout.split('\n').map((line) => line.split(/\s+/)[0] ?? ''),
    rules: rules.stdout,
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ').slice(3, 5).join(' '))
      .sort(),
    cgroups: cgroups(),
    processes: processes(cluster),
    forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
    runFiles: ['/run/portico', '/run/containerd', '/run/nri', '/var/lib/cni'].flatMap(list),
  };
}

/** The machine is, or soon is, as it was: the kernel takes network namespaces and their links down behind the answer. */
export async function expectMachineState(cluster: string, before: MachineState): Promise<void> {
  await expect.poll(() => machineState(cluster), { timeout: 300_000, interval: 100 }).toEqual(before);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`);
  } catch {
    return [];
  }
}

function cgroups(): string[] {
  return ['', ...list('/sys/fs/cgroup')].filter((folder) => /portico|k8s\.io|kubepods/.test(folder)).sort();
}

/** Command lines of every process but kernel threads and those of this test's own family. */
function processes(cluster: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      const isOurs = environment.split('\0').includes(`PORTICO_CLUSTER=${cluster}`);
      if (isOurs || /containerd|httpd -f|echo-server|sleep 2147483647/.test(command)) found.push(command);
    } catch {
      // it ended while we looked
    }
  }
  return found.sort();
}
