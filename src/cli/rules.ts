// `portico rules`: what the proxy of a node would load into its kernel, from manifests and without root.
import type { Command } from 'commander';
import { Failure } from '../cluster/failure.ts';
import type { IPFamily } from '../proxy/address.ts';
import { addObjectOptions, isOfThisMachine, type ObjectFlags, objectsOf } from './objects.ts';

interface Flags extends ObjectFlags {
  readonly proxyMode: string;
  readonly node: string;
  readonly family?: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly nodeportAddresses?: string;
  readonly masqueradeAll?: boolean;
}

async function run(flags: Flags): Promise<void> {
  const { listOf, proxyModes, settingsError } = await import('../proxy/settings.ts');
  const mode = proxyModes.find((known) => known === flags.proxyMode);
  if (!mode) throw usage(`--proxy-mode: ${JSON.stringify(flags.proxyMode)} is none of ${proxyModes.join(', ')}`);
  // A cluster of this machine has ranges that are known; of others, and of manifests, only what is said.
  const running = isOfThisMachine(flags) ? await import('../cluster/layout.ts') : undefined;
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
  const objects = await objectsOf(flags, 'rules', ['Node', 'Service', 'EndpointSlice']);
  const families = familiesOf(flags.family);
  process.stdout.write(await rulesText({ objects, nodeName: flags.node, settings, families }));
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
    .option('--masquerade-all', 'masquerade all traffic to cluster IPs');
  addObjectOptions(command).action(run);
}
