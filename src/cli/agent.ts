// `portico agent`: one node in the foreground. `up` runs exactly this inside each node's namespace.
import { hostname, networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { FollowOptions } from '../cluster/agent/node-ips.ts';
import { Failure } from '../cluster/failure.ts';
import { clusterOf, nodeIPsOf, nodeNameOf, serverOf } from './agent-flags.ts';
import { tools, untilInterrupted } from './cluster-options.ts';
import { oneOf, parseDuration, repeated } from './flag-values.ts';
import { addKubeletFlags, housekeepingOf, type KubeletFlags } from './kubelet-flags.ts';

interface Flags extends KubeletFlags {
  readonly server: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly nodeName: string;
  readonly nodeIp?: string;
  readonly containerd?: string;
  readonly rootDir: string;
  readonly runDir: string;
  readonly staticPodPath?: string;
  readonly cniBinDir?: string;
  readonly cniConfDir?: string;
  readonly ipamDir?: string;
  readonly joinTimeout: string;
  readonly nodeLeaseDuration: string;
  readonly cgroupRoot: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly clusterDns?: string;
  readonly clusterDomain?: string;
  readonly proxyMode: string;
  readonly podNetwork: string;
  readonly upstream: string[];
  readonly stub: string[];
}

const list = (text: string | undefined): string[] => (text ?? '').split(',').filter((part) => part !== '');

async function run(flags: Flags): Promise<void> {
  const [{ proxyModes }, { podNetworkModes }, { requireRoot }, { runAgent }, { parseJoinToken }] = await Promise.all([
    import('../proxy/settings.ts'),
    import('../podnetwork/routes.ts'),
    import('../cluster/preflight.ts'),
    import('../cluster/agent/agent.ts'),
    import('../cluster/agent/identity.ts'),
  ]);
  requireRoot('agent');
  const server = serverOf(flags.server);
  const caHash = flags.token === undefined ? undefined : parseJoinToken(flags.token).caHash;
  const proxyMode = oneOf('--proxy-mode', flags.proxyMode, proxyModes);
  const podNetwork = oneOf('--pod-network', flags.podNetwork, podNetworkModes);
  const joinTimeout = parseDuration('--join-timeout', flags.joinTimeout);
  const nodeLeaseDuration = parseDuration('--node-lease-duration', flags.nodeLeaseDuration) / 1000;
  const housekeeping = await housekeepingOf(flags);
  const given = clusterOf(flags);
  const nodeName = nodeNameOf(flags.nodeName);
  const toldIPs = flags.nodeIp === undefined ? undefined : nodeIPsOf(flags.nodeIp);
  const signal = untilInterrupted();
  const settings = {
    server,
    token: () => tokenOf(flags, signal),
    caHash,
    joinTimeout,
    nodeLeaseDuration,
    nodeName,
    ...(await runtimeOf(flags)),
    rootDir: resolve(flags.rootDir),
    ipamDir: flags.ipamDir === undefined ? undefined : resolve(flags.ipamDir),
    staticPodPath: resolve(flags.staticPodPath ?? join(flags.rootDir, 'manifests')),
    housekeeping,
    allowedUnsafeSysctls: list(flags.allowedUnsafeSysctls),
    cgroupRoot: flags.cgroupRoot,
    given,
    proxyMode,
    podNetwork,
    dnsUpstreams: flags.upstream.length > 0 ? flags.upstream : await machineUpstreams(flags),
    dnsStubs: flags.stub,
    tools,
    log,
  };
  const runWith = (nodeIPs: readonly string[], until: AbortSignal) => runAgent({ ...settings, nodeIPs }, until);
  try {
    await (toldIPs ? runWith(toldIPs, signal) : runWhereItIs(server, runWith, signal));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function log(message: string): void {
  process.stdout.write(`${new Date(tools.clock.now()).toISOString()} ${message}\n`);
}

/** With the addresses by which the machine reaches the server, whichever these are. */
async function runWhereItIs(server: string, run: FollowOptions['run'], signal: AbortSignal): Promise<void> {
  const { findNodeIPs, followNodeIPs } = await import('../cluster/agent/node-ips.ts');
  const find = () => findNodeIPs(tools.exec, server);
  const own = () => Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
  await followNodeIPs({ find, own, run, clock: tools.clock, log }, signal);
}

/** A machine of its own forwards to its own name servers; the nodes of `up` to those that they are told, or to none. */
async function machineUpstreams({ containerd }: Flags): Promise<string[]> {
  if (containerd !== undefined) return [];
  const { nameserversOf } = await import('../dns/resolv-conf.ts');
  return nameserversOf((await tools.files.read('/etc/resolv.conf')) ?? '').map(({ address }) => address);
}

/** The containerd that the user has, or one that the agent starts. */
async function runtimeOf({ containerd, rootDir, runDir, nodeName, cniBinDir, cniConfDir }: Flags) {
  if (containerd !== undefined) {
    return {
      containerdSocket: containerd,
      cniBinDir: cniBinDir ?? '/usr/lib/cni',
      cniConfDir: cniConfDir ?? '/etc/cni/net.d',
    };
  }
  const [{ requirePrograms }, { cniConfDirOf, machinePaths }] = await Promise.all([
    import('../cluster/preflight.ts'),
    import('../cluster/agent/machine.ts'),
  ]);
  const plugins = requirePrograms(process.env.PATH ?? '').cniBinDir;
  const folders = { rootDir: resolve(rootDir), runDir: resolve(runDir), cniBinDir: cniBinDir ?? plugins };
  return {
    ...{ containerdSocket: machinePaths(folders).containerdSocket, cniBinDir: folders.cniBinDir },
    cniConfDir: cniConfDir ?? cniConfDirOf(folders),
    machine: { ...tools, ...folders, nodeName, log },
  };
}

/** The token, or what the token file holds once it is there. */
async function tokenOf({ token, tokenFile }: Flags, signal: AbortSignal): Promise<string> {
  if (token !== undefined) return token;
  if (tokenFile === undefined) throw new Failure('this node is new to the cluster: give it a token with --token');
  for (let said = false; ; said = true) {
    const text = await tools.files.read(tokenFile);
    if (text !== undefined) return text;
    if (!said) log(`waiting for the token in ${tokenFile}`);
    await tools.clock.sleep(20, signal);
  }
}

export function register(command: Command): void {
  addKubeletFlags(command)
    .requiredOption('--server <url>', 'the API server, as https://172.30.0.1:6443')
    .option('--token <token>', 'what to join with: <sha256 of the CA>::<id>.<secret>')
    .option('--token-file <file>', 'a file that holds the token, or will')
    .option('--node-name <name>', "the node's name", hostname().toLowerCase())
    .option(
      '--node-ip <addresses>',
      'addresses of the node, the primary one first (default: those by which it reaches the server)',
    )
    .option('--containerd <socket>', "socket of this machine's containerd (default: the agent starts one of its own)")
    .option('--root-dir <dir>', "where the node's certificate and its pods' files are kept", '/var/lib/portico/agent')
    .option(
      '--static-pod-path <dir>',
      'manifests of pods that this node runs by itself (default: manifests in --root-dir)',
    )
    .option('--run-dir <dir>', "where sockets of the agent's own containerd are", '/run/portico/agent')
    .option('--cni-bin-dir <dir>', 'where the CNI plugins are (default: /usr/lib/cni or /opt/cni/bin)')
    .option('--cni-conf-dir <dir>', 'where containerd looks for CNI configurations')
    .option('--ipam-dir <dir>', "where the addresses that pods have are kept (default: host-local's own place)")
    .option('--join-timeout <duration>', 'how long a new node tries a server that does not answer', '60s')
    .option('--node-lease-duration <duration>', "of the node's Lease, renewed after each quarter of it", '40s')
    .option('--cgroup-root <path>', "the cgroup under which pods' cgroups are made", '/portico-agent')
    .option('--cluster-cidr <cidrs>', "ranges of pods (default: the server's)")
    .option('--service-cluster-ip-range <cidrs>', "ranges of Services (default: the server's)")
    .option('--cluster-dns <addresses>', 'name servers of pods (default: as the server says)')
    .option('--cluster-domain <domain>', "of DNS names (default: the server's)")
    .option('--proxy-mode <mode>', 'nftables, iptables or ipvs', 'nftables')
    .option('--pod-network <mode>', 'the way to pods of other nodes: routes, vxlan, or auto for each its own', 'auto')
    .option('--upstream <server>', "name server for other names, repeatable (default: the machine's)", repeated, [])
    .option('--stub <domain=servers>', 'name servers for the names below a domain, repeatable', repeated, [])
    .action(run);
}
