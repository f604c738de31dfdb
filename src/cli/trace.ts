// `portico trace FROM TO`: the way of a packet, with the reason at each step.
import type { Command } from 'commander';
import { Failure } from '../cluster/failure.ts';
import { addOutputOption } from './cluster-options.ts';
import { addNetworkOptions, type NetworkFlags, networkSettings } from './network-settings.ts';
import { addObjectOptions, type ObjectFlags, objectsOf } from './objects.ts';

interface Flags extends ObjectFlags, NetworkFlags {
  readonly namespace: string;
  readonly via?: string;
  readonly all?: boolean;
  readonly output?: 'text' | 'json';
}

/** 0: everything arrives or leaves the cluster; 1: something is refused or dropped, or nothing is sent. */
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
    const objects = await objectsOf(flags, 'trace', ['Node', 'Service', 'EndpointSlice', 'Pod']);
    const { clusterDomain, via: entryNode } = flags;
    const trace = tracePacket({ objects, from, to, settings, clusterDomain, entryNode });
    const text =
      flags.output === 'json'
        ? JSON.stringify(trace, undefined, 2)
        : traceText(trace, { isInFull: flags.all ?? false });
    process.stdout.write(`${text}\n`);
    if (!isWell(trace)) process.exitCode = 1;
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
    .option('--via <node>', 'where traffic from outside comes in, when the address does not tell')
    .option('--all', 'every outcome step by step, not only the likeliest');
  addOutputOption(addObjectOptions(addNetworkOptions(command))).action(run);
}
