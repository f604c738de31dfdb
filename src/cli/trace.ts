// `portico trace FROM TO`: the way of a packet, with the reason at each step.
import type { Command } from 'commander';
import { Failure } from '../cluster/failure.ts';
import { liveText } from '../explain/live/text.ts';
import { addOutputOption } from './cluster-options.ts';
import type { LiveOptions } from './live-trace.ts';
import { addNetworkOptions, type NetworkFlags, networkSettings } from './network-settings.ts';
import { addObjectOptions, type ObjectFlags, objectsOf } from './objects.ts';

interface Flags extends ObjectFlags, NetworkFlags {
  readonly namespace: string;
  readonly via?: string;
  readonly all?: boolean;
  readonly live?: boolean;
  readonly output?: 'text' | 'json';
}

/** What decides about a packet. */
const kinds = ['Node', 'Service', 'EndpointSlice', 'Pod', 'Namespace', 'NetworkPolicy'] as const;

/**
 * 0: everything arrives or leaves the cluster, and kernels agree where they are asked; 1: something is refused or dropped, or
 * nothing is sent, or a kernel does something else.
 */
async function run(fromText: string, toText: string, flags: Flags): Promise<void> {
  const [{ parseFrom, parseTo, TraceError }, { tracePacket }, { isWell }, { traceText }] = await Promise.all([
    import('../explain/trace/ends.ts'),
    import('../explain/trace/trace-packet.ts'),
    import('../explain/trace/trace.ts'),
    import('../explain/trace/text.ts'),
  ]);
  const settings = await networkSettings(flags, flags);
  try {
    const [from, to] = [parseFrom(fromText, flags.namespace), parseTo(toText)];
    const { clusterDomain, via: entryNode } = flags;
    const look = async () => {
      const objects = await objectsOf(flags, 'trace', kinds);
      return { objects, trace: tracePacket({ objects, from, to, settings, clusterDomain, entryNode }) };
    };
    const { trace, live } = flags.live
      ? await withLive(flags, { from, to, settings, look })
      : { ...(await look()), live: undefined };
    const text =
      flags.output === 'json'
        ? JSON.stringify({ ...trace, ...(live && { live }) }, undefined, 2)
        : [traceText(trace, { isInFull: flags.all ?? false }), ...(live ? [liveText(live)] : [])].join('\n');
    process.stdout.write(`${text}\n`);
    if (!isWell(trace) || (live && live.differences.length > 0)) process.exitCode = 1;
  } catch (error) {
    if (error instanceof TraceError) throw new Failure(`trace: ${error.message}`, { exitCode: 2 });
    throw error;
  }
}

interface LiveQuestion extends Pick<LiveOptions, 'from' | 'to' | 'settings'> {
  /** Reads the objects anew, and what follows from them. */
  readonly look: () => Promise<Pick<LiveOptions, 'objects' | 'trace'>>;
}

/** Objects may change between the look at them and the look at kernels: what differs must differ again. */
const tries = 3;

async function withLive(flags: Flags, { look, ...asked }: LiveQuestion) {
  if (flags.filename.length > 0 || flags.at !== undefined) {
    throw new Failure('trace: --live: packets are sent in a running cluster, and now', { exitCode: 2 });
  }
  const [{ liveTrace }, { clientOf }] = await Promise.all([import('./live-trace.ts'), import('./objects.ts')]);
  const client = await clientOf(flags, 'trace');
  for (let left = tries; ; left--) {
    const seen = await look();
    const live = await liveTrace({ ...asked, ...seen, client });
    if (live.differences.length === 0 || left === 1) return { trace: seen.trace, live };
  }
}

export function register(command: Command): void {
  command
    .argument('<from>', 'pod/NAME, pod/NAMESPACE/NAME, node/NAME, external or external/ADDRESS')
    .argument('<to>', 'HOST:PORT or HOST:PORT/udp; a name as the sender would say it, a node, or an address')
    .option('-n, --namespace <name>', 'of the pod, when it names none', 'default')
    .option('--via <node>', 'where traffic from outside comes in, when the address does not tell')
    .option('--live', 'also send the packet, follow it through the kernels, and say where they differ from the model')
    .option('--all', 'every outcome step by step, not only the likeliest');
  addOutputOption(addObjectOptions(addNetworkOptions(command))).action(run);
}
