// `portico trace FROM TO`: the way of a packet, with the reason at each step.
import type { Command } from 'commander';
import { Failure } from '../cluster/failure.ts';
import type { ProxyMode } from '../proxy/settings.ts';
import { addOutputOption, usage } from './cluster-options.ts';
import { addObjectOptions, isOfThisMachine, type ObjectFlags, objectsOf } from './objects.ts';

interface Flags extends ObjectFlags {
  readonly proxyMode: string;
  readonly namespace: string;
  readonly via?: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly clusterDomain: string;
  readonly all?: boolean;
  readonly output?: 'text' | 'json';
}

/** 0: everything arrives or leaves the cluster; 1: something is refused or dropped, or nothing is sent. */
async function run(fromText: string, toText: string, flags: Flags): Promise<void> {
  const [{ parseFrom, parseTo, TraceError }, { tracePacket }, { traceText }, { listOf, proxyModes, settingsError }] =
    await Promise.all([
      import('../explain/trace/ends.ts'),
      import('../explain/trace/trace-packet.ts'),
      import('../explain/trace/text.ts'),
      import('../proxy/settings.ts'),
    ]);
  const mode = proxyModes.find((known): known is ProxyMode => known === flags.proxyMode);
  if (!mode) throw usage(`--proxy-mode: ${JSON.stringify(flags.proxyMode)} is none of ${proxyModes.join(', ')}`);
  const running = isOfThisMachine(flags) ? await import('../cluster/layout.ts') : undefined;
  const settings = {
    mode,
    clusterCIDRs: listOf(flags.clusterCidr ?? running?.podCIDRs),
    serviceCIDRs: listOf(flags.serviceClusterIpRange ?? running?.serviceCIDRs),
    nodePortAddresses: [],
  };
  const wrong = settingsError(settings);
  if (wrong) throw usage(wrong);
  try {
    const [from, to] = [parseFrom(fromText, flags.namespace), parseTo(toText)];
    const objects = await objectsOf(flags, 'trace', ['Node', 'Service', 'EndpointSlice', 'Pod']);
    const trace = tracePacket({
      objects,
      from,
      to,
      settings,
      clusterDomain: flags.clusterDomain,
      entryNode: flags.via,
    });
    const text =
      flags.output === 'json'
        ? JSON.stringify(trace, undefined, 2)
        : traceText(trace, { isInFull: flags.all ?? false });
    process.stdout.write(`${text}\n`);
    const isWell =
      trace.outcomes.length > 0 &&
      trace.cause === undefined &&
      trace.outcomes.every(({ result }) => result === 'arrives' || result === 'leaves the cluster');
    if (!isWell) process.exitCode = 1;
  } catch (error) {
    if (error instanceof TraceError) throw new Failure(`trace: ${error.message}`, { exitCode: 2 });
    throw error;
  }
}

export function register(command: Command): void {
  command
    .argument('<from>', 'pod/NAME, pod/NAMESPACE/NAME, node/NAME, external or external/ADDRESS')
    .argument('<to>', 'HOST:PORT or HOST:PORT/udp; a name as the sender would say it, a node, or an address')
    .option('-n, --namespace <name>', 'of the pod, when it names none', 'default')
    .option('--proxy-mode <mode>', 'nftables, iptables or ipvs', 'nftables')
    .option('--via <node>', 'where traffic from outside comes in, when the address does not tell')
    .option('--cluster-cidr <cidrs>', 'addresses of pods, comma-separated')
    .option('--service-cluster-ip-range <cidrs>', 'addresses of Services, comma-separated')
    .option('--all', 'every outcome step by step, not only the likeliest')
    .option('--cluster-domain <domain>', 'of DNS names', 'cluster.local');
  addOutputOption(addObjectOptions(command)).action(run);
}
