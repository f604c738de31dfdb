// A node of its own for a test: network and mount namespace, containerd, Portico's images. Everything is named after
// this process and gone after `stop`.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

/** With `disk` (as tmpfs takes it: `128m`) all that the node keeps is on a file system of that size. */
export async function startTestNode(name: string, { disk }: { readonly disk?: string } = {}): Promise<TestNode> {
  removeRemains();
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
    const command = inside(['containerd', '--config', `${root}/config.toml`]);
    const [program, ...args] = [...mortal, ...command];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      // It listens before it says so.
      if (said.includes('containerd successfully booted')) resolve();
    });
    child.once('exit', () => reject(new Error(`containerd ended: ${said}`)));
    await promise;
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
      end(shims(root));
      holder.kill('SIGKILL');
      await ended(holder);
      removeCgroups(`portico-kubelet-${name}-${process.pid}`);
      if (disk !== undefined) execFileSync('umount', ['-l', root]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** What test processes left that were killed before they could stop their nodes: shims, containers, cgroups and folders. */
function removeRemains(): void {
  const cgroups = '/sys/fs/cgroup/pids';
  const all = [...(existsSync(cgroups) ? readdirSync(cgroups) : []), ...readdirSync('/tmp')];
  for (const name of new Set(all.filter((one) => /^portico-kubelet-.+-\d+$/.test(one)))) {
    const [pid = ''] = /\d+$/.exec(name) ?? [];
    if (existsSync(`/proc/${pid}`)) continue;
    end(shims(`/tmp/${name}`));
    removeCgroups(name);
    // One with a disk of its own is a mount.
    spawnSync('umount', ['--lazy', '--quiet', `/tmp/${name}`]);
    rmSync(`/tmp/${name}`, { recursive: true, force: true });
  }
}

/** Kills processes that are nobody's children here, and waits until they have ended. */
function end(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Already gone.
    }
  }
  // pidwait takes one process, from a file, and ends with it, or at once where it has ended.
  const file = `/tmp/portico-ending-${process.pid}`;
  for (const pid of pids) {
    writeFileSync(file, String(pid));
    const { status, stderr } = spawnSync('pidwait', ['--pidfile', file], { encoding: 'utf8' });
    if (status !== 0 && stderr !== '') throw new Error(`pidwait: ${stderr}`);
  }
  rmSync(file, { force: true });
}

function shims(root: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  return lines.filter((l) => l.includes('containerd-shim') && l.includes(root)).map((l) => Number.parseInt(l, 10));
}

/** Processes of containers outlive their shims; they end with their cgroups. */
function removeCgroups(name: string): void {
  for (let pids = processesOf(name); pids.length > 0; pids = processesOf(name)) end(pids);
  const where = ['/sys/fs/cgroup', '-mindepth', '2', '-depth', '-type', 'd', '-path', `*/${name}*`];
  const { stderr } = spawnSync('find', [...where, '-exec', 'rmdir', '{}', ';'], { encoding: 'utf8' });
  if (stderr.length > 0) throw new Error(`the cgroups of ${name} cannot be removed: ${stderr}`);
}

function processesOf(cgroup: string): number[] {
  const pids = `/sys/fs/cgroup/pids/${cgroup}`;
  const files = existsSync(pids) ? readdirSync(pids, { recursive: true, encoding: 'utf8' }) : [];
  return files
    .filter((file) => file.endsWith('cgroup.procs'))
    .flatMap((file) => readFileSync(`${pids}/${file}`, 'utf8').split('\n').filter(Boolean).map(Number));
}
