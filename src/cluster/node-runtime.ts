// A node on this machine is a network namespace, a host name of its own and a mount namespace. The mount namespace keeps every mount of the node's
// containers, and the folders that containerd and CNI insist on, away from the host, so that all of it ends with the
// node's last process. A holder process (`sleep`) keeps it while containerd and the agent come and go.

import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { table } from '../apimachinery/table.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import { Failure } from './failure.ts';
import { hasIPv6, nodeNetworkCommands } from './host-network.ts';
import type { NetworkLayout, NodeLayout, NodePaths } from './layout.ts';
import { partEnvironment } from './processes.ts';

export interface NodeRuntimeOptions {
  readonly cluster: string;
  readonly network: NetworkLayout;
  readonly node: NodeLayout;
  readonly paths: NodePaths;
  /** A process of the node that lives on without its holder: what it mounted is to be seen by what is started from now on. */
  readonly inside?: number | undefined;
}

/** Settings of the kernel that a node's namespace needs; those that a kernel lacks are passed over. */
const sysctls = table<string>({
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv4/conf/eth0/rp_filter': '0',
  'net/ipv6/conf/all/accept_dad': '0',
  'net/ipv6/conf/default/accept_dad': '0',
  'net/bridge/bridge-nf-call-iptables': '1',
  'net/bridge/bridge-nf-call-ip6tables': '1',
});

/** What the holder runs before it becomes `sleep`: private folders, addresses, kernel settings, and the word `ready`. */
function holderScript({ network, node, paths, inside }: NodeRuntimeOptions, ipv6: boolean): string {
  return [
    'set -e',
    // What pods on the node's network are called, too: some tell each other apart by it.
    ...(inside === undefined ? [`echo ${node.name} >/proc/sys/kernel/hostname`] : []),
    // Containers may ask for mounts that come and go with the node's own (mountPropagation), which are shared for that, as on any
    // machine: among what runs on the node, since the namespace began as a private one.
    ...(inside === undefined ? ['mount --make-rshared /'] : []),
    ...privateFolders(paths),
    ...networkScript({ network, node }, ipv6),
    'echo ready',
    'exec sleep infinity >/dev/null 2>&1',
  ].join('\n');
}

/**
 * containerd's shims keep their sockets and CNI its results in fixed places; each node gets its own. Lines that may be run again: who
 * removes such a folder from the machine takes the mount away from every node.
 */
function privateFolders({ run, data }: NodePaths): string[] {
  const folders = { '/run/containerd': `${run}/shims`, '/var/lib/cni': `${data}/cni` };
  return Object.entries(folders).map(
    ([place, own]) => `mkdir -p ${place}; [ ${place} -ef ${quote(own)} ] || mount --bind ${quote(own)} ${place}`,
  );
}

/** Addresses, routes and kernel settings of a node; lines that may be run again. */
function networkScript({ network, node }: Pick<NodeRuntimeOptions, 'network' | 'node'>, ipv6: boolean): string[] {
  return [
    "ip -batch - <<'BATCH'",
    ...nodeNetworkCommands(network, node, ipv6),
    'BATCH',
    ...Object.entries(sysctls).map(([key, value]) => `[ ! -e /proc/sys/${key} ] || echo ${value} >/proc/sys/${key}`),
  ];
}

/** Makes anew what somebody took from a node that runs: a folder of its own, a link, an address, a route, a setting. */
export async function restoreNode(
  exec: Exec,
  holder: number,
  options: Pick<NodeRuntimeOptions, 'network' | 'node' | 'paths'>,
): Promise<void> {
  const script = ['set -e', ...privateFolders(options.paths), ...networkScript(options, hasIPv6())].join('\n');
  const { code, stderr } = await exec.run(insideNode(holder, ['sh', '-c', script]));
  if (code === 0) return;
  throw new Failure(`${options.node.name} could not be mended: ${stderr.trim().split('\n')[0]}`);
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Starts a node's holder and waits until its namespaces are ready. Returns its process id. */
export async function startHolder(options: NodeRuntimeOptions): Promise<number> {
  const { cluster, node, paths, inside } = options;
  await Promise.all([`${paths.run}/shims`, `${paths.data}/cni`].map((f) => mkdir(f, { recursive: true })));
  const script = holderScript(options, hasIPv6());
  const ownNamespaces = ['unshare', '--uts', '--mount', '--propagation', 'private'];
  const anew = ['nsenter', `--net=/run/netns/${node.namespace}`, ...ownNamespaces];
  const [program = '', ...args] = [...(inside === undefined ? anew : insideNode(inside, [])), 'sh', '-c', script];
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      detached: true,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: partEnvironment({ cluster, node: node.name, part: 'node' }),
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk;
    });
    child.once('error', reject);
    child.once('exit', () =>
      reject(new Failure(`node ${node.name} could not be set up: ${complaint.trim() || 'its holder ended'}`)),
    );
    child.stdout.once('data', () => {
      child.removeAllListeners('exit');
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(child.pid ?? 0);
    });
  });
}

/** The command that runs `command` in the namespaces of the node whose holder is `holder`. */
export function insideNode(holder: number, command: readonly string[]): string[] {
  return ['nsenter', '--target', String(holder), '--net', '--uts', '--mount', '--', ...command];
}

export function containerdConfig(
  paths: NodePaths,
  options: { sandboxImage: string; cniBinDir: string; cniConfDir: string },
): string {
  const text = JSON.stringify;
  return `version = 2
root = ${text(paths.containerdRoot)}
state = ${text(paths.containerdState)}
oom_score = -999
# What is left out is never used here, and each costs start-up time or a folder outside of the node's own. NRI's socket
# (from 2.0 on) would be taken from the machine's containerd.
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.erofs", "io.containerd.differ.v1.erofs",
  "io.containerd.snapshotter.v1.native", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.restart", "io.containerd.monitor.container.v1.restart", "io.containerd.nri.v1.nri",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]

[grpc]
  address = ${text(paths.containerdSocket)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(options.sandboxImage)}
  netns_mounts_under_state_dir = true
  disable_hugetlb_controller = true
  disable_apparmor = true
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(options.cniBinDir)}
    conf_dir = ${text(options.cniConfDir)}

  # What is said of registries: mirrors, plain HTTP, authorities.
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${text(paths.registries)}

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = ${text(`${paths.run}/runc`)}
`;
}

export async function writeContainerdConfig(paths: NodePaths, config: string): Promise<void> {
  await Promise.all(
    [paths.run, paths.containerdRoot, paths.containerdState].map((f) => mkdir(f, { recursive: true, mode: 0o711 })),
  );
  await writeFile(paths.containerdConfig, config);
}

/** Resolves once something accepts connections on the Unix socket; fails after `timeout` milliseconds. */
export async function untilSocketAnswers(
  path: string,
  options: { readonly clock: Clock; readonly timeout: number; readonly signal?: AbortSignal },
): Promise<void> {
  const end = options.clock.monotonic() + options.timeout;
  while (!(await accepts(path))) {
    if (options.clock.monotonic() > end)
      throw new Failure(`nothing answers on ${path} after ${options.timeout / 1000} s`);
    await options.clock.sleep(10, options.signal);
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
