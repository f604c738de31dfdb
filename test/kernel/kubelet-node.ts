// A node of its own for a test: network and mount namespace, containerd, Portico's images. Everything is named after
// this process and gone after `stop`.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtInArchive, pauseImage } from '../../src/cluster/images/built-in.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { mortal } from '../fixtures/mortal.ts';

export interface TestNode {
  /** Where everything of the node is. */
  readonly root: string;
  readonly socketPath: string;
  readonly cniConfDir: string;
  readonly cgroupParent: string;
  /** `command` inside the node's namespaces. */
  inside(command: readonly string[]): string[];
  run(...command: string[]): string;
  /** Ends containerd with SIGKILL, as a crash does; containers run on. */
  killRuntime(): Promise<void>;
  /** Resolves when it answers. */
  startRuntime(): Promise<void>;
  stop(): Promise<void>;
}

function config(root: string): string {
  return `version = 2
root = "${root}/containerd"
state = "${root}/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "${root}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${root}/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "${root}/run/runc"
`;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

/** With `disk` (as tmpfs takes it: `128m`) all that the node keeps is on a file system of that size. */
export async function startTestNode(name: string, { disk }: { readonly disk?: string } = {}): Promise<TestNode> {
  await removeRemains();
  const root = `/tmp/portico-kubelet-${name}-${process.pid}`;
  if (disk !== undefined) {
    mkdirSync(root, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${disk}`, 'tmpfs', root]);
  }
  for (const folder of ['net.d', 'run/shims', 'cni', 'images']) mkdirSync(`${root}/${folder}`, { recursive: true });
  const archive = await builtInArchive({ exec: realExec, files: realFiles, folder: '/tmp/portico-test-images' });
  writeFileSync(`${root}/config.toml`, config(root));
  const script = [
    'mkdir -p /run/containerd /var/lib/cni',
    `mount --bind ${root}/run/shims /run/containerd`,
    `mount --bind ${root}/cni /var/lib/cni`,
    'ip link set lo up',
    'ip link add eth0 type veth peer name up0; ip link set up0 up; ip addr add 172.31.255.11/24 dev eth0; ip link set eth0 up',
    'echo ready; exec sleep infinity',
  ].join('\n');
  const unshare = ['unshare', '--net', '--mount', '--propagation', 'private', 'sh', '-ec', script];
  const [setpriv, ...holding] = [...mortal, ...unshare];
  const holder = spawn(setpriv, holding, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve, reject) => {
    holder.stdout?.once('data', resolve);
    holder.once('exit', () => reject(new Error('the node could not be set up')));
  });
  const inside = (command: readonly string[]) => [
    'nsenter',
    '--target',
    String(holder.pid),
    '--net',
    '--mount',
    '--',
    ...command,
  ];
  const run = (...command: string[]) => {
    const [program = '', ...args] = inside(command);
    return execFileSync(program, args, { encoding: 'utf8' });
  };
  const socketPath = `${root}/containerd.sock`;
  const startRuntime = async () => {
    const command = inside(['containerd', '--config', `${root}/config.toml`, '--log-level', 'error']);
    const [program, ...args] = [...mortal, ...command];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaints = '';
    child.stderr?.on('data', (chunk) => {
      complaints += chunk;
    });
    for (let tries = 0; !(await answers(socketPath)); tries++) {
      if (tries > 30_000) throw new Error(`containerd does not answer: ${complaints}`);
      await sleep(10);
    }
    return child;
  };
  let containerd = await startRuntime();
  run('ctr', '--address', socketPath, '--namespace', 'k8s.io', 'images', 'import', archive);
  return {
    root,
    socketPath,
    cniConfDir: `${root}/net.d`,
    cgroupParent: `/portico-kubelet-${name}-${process.pid}`,
    inside,
    run,
    async killRuntime() {
      containerd.kill('SIGKILL');
      await ended(containerd);
    },
    async startRuntime() {
      containerd = await startRuntime();
    },
    async stop() {
      containerd.kill('SIGTERM');
      await ended(containerd);
      // Shims outlive containerd; they are known by the node's folder in their arguments.
      for (const pid of shims(root)) kill(pid);
      holder.kill('SIGKILL');
      await ended(holder);
      await removeCgroups(`portico-kubelet-${name}-${process.pid}`);
      if (disk !== undefined) execFileSync('umount', ['-l', root]);
      for (let tries = 0; ; tries++) {
        try {
          rmSync(root, { recursive: true, force: true });
          return;
        } catch (error) {
          if (tries > 3000) throw error;
          await sleep(20);
        }
      }
    },
  };
}

/** What test processes left that were killed before they could stop their nodes: shims, containers, cgroups and folders. */
async function removeRemains(): Promise<void> {
  const cgroups = '/sys/fs/cgroup/pids';
  const all = [...(existsSync(cgroups) ? readdirSync(cgroups) : []), ...readdirSync('/tmp')];
  for (const name of new Set(all.filter((one) => /^portico-kubelet-.+-\d+$/.test(one)))) {
    const [pid = ''] = /\d+$/.exec(name) ?? [];
    if (existsSync(`/proc/${pid}`)) continue;
    for (const shim of shims(`/tmp/${name}`)) kill(shim);
    await removeCgroups(name);
    // One with a disk of its own is a mount.
    spawnSync('umount', ['--lazy', '--quiet', `/tmp/${name}`]);
    rmSync(`/tmp/${name}`, { recursive: true, force: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

function shims(root: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  return lines.filter((l) => l.includes('containerd-shim') && l.includes(root)).map((l) => Number.parseInt(l, 10));
}

/** Processes of containers outlive their shims; they end with their cgroups. */
async function removeCgroups(name: string): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    const pids = `/sys/fs/cgroup/pids/${name}`;
    try {
      for (const file of existsSync(pids) ? readdirSync(pids, { recursive: true, encoding: 'utf8' }) : []) {
        if (!file.endsWith('cgroup.procs')) continue;
        for (const pid of readFileSync(`${pids}/${file}`, 'utf8').split('\n').filter(Boolean))
          process.kill(Number(pid), 'SIGKILL');
      }
    } catch {
      // A process or a cgroup went while we looked: the next look finds what is left.
    }
    const where = ['/sys/fs/cgroup', '-mindepth', '2', '-depth', '-type', 'd', '-path', `*/${name}*`];
    if (spawnSync('find', [...where, '-exec', 'rmdir', '{}', ';']).stderr.length === 0) return;
    await sleep(20);
  }
  throw new Error(`the cgroups of ${name} cannot be removed`);
}
