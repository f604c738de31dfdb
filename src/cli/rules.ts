// `portico rules`: what the proxy of a node would load into its kernel, from manifests and without root.
import type { Command } from 'commander';
import type { KubeObject } from '../apimachinery/object.ts';
import { Failure } from '../cluster/failure.ts';
import type { IPFamily } from '../proxy/address.ts';

interface Flags {
  readonly proxyMode: string;
  readonly node: string;
  readonly family?: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly nodeportAddresses?: string;
  readonly masqueradeAll?: boolean;
  readonly kubeconfig?: string;
  readonly name: string;
  readonly filename: string[];
}

const append = (value: string, earlier: string[]): string[] => [...earlier, value];

async function run(flags: Flags): Promise<void> {
  const { listOf, proxyModes, settingsError } = await import('../proxy/settings.ts');
  const mode = proxyModes.find((known) => known === flags.proxyMode);
  if (!mode) throw usage(`--proxy-mode: ${JSON.stringify(flags.proxyMode)} is none of ${proxyModes.join(', ')}`);
  // A cluster of this machine has ranges that are known; of others, and of manifests, only what is said.
  const running = flags.filename.length === 0 && !flags.kubeconfig ? await import('../cluster/layout.ts') : undefined;
  const settings = {
    mode,
    clusterCIDRs: listOf(flags.clusterCidr ?? running?.podCIDRs),
    serviceCIDRs: listOf(flags.serviceClusterIpRange ?? running?.serviceCIDRs),
    nodePortAddresses: listOf(flags.nodeportAddresses),
    masqueradeAll: flags.masqueradeAll ?? false,
  };
  const wrong = settingsError(settings);
  if (wrong) throw usage(wrong);
  const { rulesText } = await import('../proxy/offline.ts');
  const objects = flags.filename.length > 0 ? await manifestObjects(flags.filename) : await clusterObjects(flags);
  const families = familiesOf(flags.family);
  process.stdout.write(await rulesText({ objects, nodeName: flags.node, settings, families }));
}

async function manifestObjects(files: readonly string[]): Promise<KubeObject[]> {
  const { readManifests } = await import('./manifests.ts');
  return readManifests(files);
}

/** Nodes, Services and slices of the running cluster, or of the one that --kubeconfig names. */
async function clusterObjects(flags: Flags): Promise<KubeObject[]> {
  const [{ adminClient }, { endpointSlices, nodes, services }, { pathsOf, tools }] = await Promise.all([
    import('../cluster/admin-client.ts'),
    import('../client/resources.ts'),
    import('./cluster-options.ts'),
  ]);
  const kubeconfig = flags.kubeconfig ?? (await pathsOf(flags)).kubeconfig;
  if ((await tools.files.read(kubeconfig)) === undefined) {
    throw new Failure(
      `rules: there is no ${kubeconfig}: start the cluster with \`portico up\`, or give manifests with -f`,
    );
  }
  const client = await adminClient(kubeconfig, tools);
  const lists = await Promise.all(
    [
      { kind: 'Node', resource: nodes },
      { kind: 'Service', resource: services },
      { kind: 'EndpointSlice', resource: endpointSlices },
    ].map(async ({ kind, resource }) => {
      const { items } = await client.resource<KubeObject>(resource).list();
      return items.map((item) => ({ ...item, kind }));
    }),
  );
  return lists.flat();
}

function familiesOf(family: string | undefined): readonly IPFamily[] {
  if (family === undefined) return ['IPv4', 'IPv6'];
  if (family === 'ipv4') return ['IPv4'];
  if (family === 'ipv6') return ['IPv6'];
  throw usage(`--family: ${JSON.stringify(family)} is neither ipv4 nor ipv6`);
}

function usage(message: string): Failure {
  return new Failure(`rules: ${message}`, { exitCode: 2 });
}

export function register(command: Command): void {
  command
    .requiredOption('--node <name>', 'the node whose rules to print')
    .option('--proxy-mode <mode>', 'nftables, iptables or ipvs', 'nftables')
    .option('--family <family>', 'only ipv4 or only ipv6')
    .option('--cluster-cidr <cidrs>', 'addresses of pods, comma-separated')
    .option('--service-cluster-ip-range <cidrs>', 'addresses of Services, comma-separated')
    .option('--nodeport-addresses <cidrs>', 'addresses that accept node ports: CIDRs, or "primary"')
    .option('--masquerade-all', 'masquerade all traffic to cluster IPs')
    .option('--kubeconfig <file>', 'without -f: the cluster to ask, in place of the one on this machine')
    .option('--name <name>', "without -f: the cluster's name on this machine", 'portico')
    .option('-f, --filename <file>', 'manifests: a file, a folder, or - ; may be repeated', append, [])
    .action(run);
}
