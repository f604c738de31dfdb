// `portico trace FROM TO`: the way of a packet, with the reason at each step.
import type { Command } from 'commander';
import type { KubeObject } from '../apimachinery/object.ts';
import type { LiveTrace } from '../explain/live/compare.ts';
import { liveText } from '../explain/live/text.ts';
import type { To } from '../explain/trace/ends.ts';
import { addOutputOption, tools } from './cluster-options.ts';
import { trouble } from './describe-failure.ts';
import { parseDuration, usage } from './flag-values.ts';
import type { Found, LiveOptions } from './live-trace.ts';
import {
  addNetworkOptions,
  clusterDomainOf,
  type NetworkFlags,
  networkSettings,
  reachOfSource,
} from './network-settings.ts';
import { addObjectOptions, type ObjectFlags, objectsOf } from './objects.ts';

interface Flags extends ObjectFlags, NetworkFlags {
  readonly namespace: string;
  readonly via?: string;
  readonly all?: boolean;
  readonly live?: boolean;
  /** Milliseconds, where they are said. */
  readonly wait?: number | true;
  readonly output?: 'text' | 'json';
}

/** What decides about a packet. */
const kinds = ['Node', 'Service', 'EndpointSlice', 'Pod', 'Namespace', 'NetworkPolicy'] as const;

const furtherHelp = `
With -f, manifests that hold Nodes are a cluster of their own. Others are what would be applied to the cluster, and the trace is that
of a packet after the apply (see portico plan).

Exit codes: 0 it arrives or leaves the cluster, whichever way it takes; 1 it is refused, dropped or never sent, or with --live its
sender hears nothing good or a kernel does something else; 2 it could not be said.`;

async function run(fromText: string, toText: string, flags: Flags): Promise<void> {
  await traced(fromText, toText, flags).catch((error: unknown) => {
    throw trouble('trace', error);
  });
}

async function traced(fromText: string, toText: string, flags: Flags): Promise<void> {
  const [{ parseFrom, parseTo }, { tracePacket }, { isWell }, { traceText }] = await Promise.all([
    import('../explain/trace/ends.ts'),
    import('../explain/trace/trace-packet.ts'),
    import('../explain/trace/trace.ts'),
    import('../explain/trace/text.ts'),
  ]);
  const [from, to] = [parseFrom(fromText, flags.namespace), parseTo(toText)];
  const { objects: objectsNow, source, notes } = await askedOf(flags);
  const settings = await networkSettings(flags, source);
  const clusterDomain = await clusterDomainOf(flags, source);
  const reach = await reachOfSource(source);
  const { via: entryNode } = flags;
  const look = async (sender = from, entry = entryNode) => {
    const objects = await objectsNow();
    return {
      objects,
      trace: tracePacket({ objects, from: sender, to, settings, clusterDomain, entryNode: entry, reach }),
    };
  };
  const { trace, live } =
    flags.live || flags.wait !== undefined
      ? await withLive(flags, { from, to, settings, look })
      : { ...(await look()), live: undefined };
  const text =
    flags.output === 'json'
      ? JSON.stringify({ ...trace, ...(live && { live }), ...(notes.length > 0 && { notes }) }, undefined, 2)
      : [
          traceText(trace, { isInFull: flags.all ?? false }),
          ...(live ? [liveText(live)] : []),
          ...notes.map((note) => `Note     ${note}`),
        ].join('\n');
  process.stdout.write(`${text}\n`);
  if (!isWell(trace) || (live && !isWellLive(live, to))) process.exitCode = 1;
}

interface Asked {
  /** Where the objects come from that there are. */
  readonly source: ObjectFlags;
  readonly objects: () => Promise<readonly KubeObject[]>;
  /** What is not known of the objects, in sentences. */
  readonly notes: readonly string[];
}

/** Manifests with Nodes are a cluster of their own; others are what would be applied to the one that there is. */
async function askedOf(flags: Flags): Promise<Asked> {
  if (flags.filename.length === 0) return { source: flags, objects: () => objectsOf(flags, 'trace', kinds), notes: [] };
  if (flags.at !== undefined) throw usage('trace: --at: manifests have no history');
  const { readManifests } = await import('./manifests.ts');
  const manifests = await readManifests(flags.filename);
  if (manifests.some(({ kind }) => kind === 'Node')) {
    const [{ withMissingSlices }, { withOwnKind }] = await Promise.all([
      import('../explain/plan/slices.ts'),
      import('../explain/object-id.ts'),
    ]);
    const objects = withMissingSlices(manifests.map(withOwnKind));
    return { source: flags, objects: async () => objects, notes: [] };
  }
  const [{ proposedWorlds }, { foreseen }, { standsFor }] = await Promise.all([
    import('./proposed-worlds.ts'),
    import('../explain/plan/plan-change.ts'),
    import('../explain/plan/text.ts'),
  ]);
  const source = { ...flags, filename: [] };
  const worlds = await proposedWorlds(source, 'trace', { manifests, without: [], namespace: flags.namespace });
  const { objects, notes } = foreseen({ ...worlds, now: tools.clock.now() });
  return {
    source,
    objects: async () => objects,
    notes: [...worlds.placeholders.map(standsFor), ...worlds.notes, ...notes],
  };
}

/** Kernels do what the model says, and the sender was not turned away: of a datagram nobody need hear. */
function isWellLive({ sent, differences }: LiveTrace, { protocol }: To): boolean {
  const isHeard = sent === undefined || sent === 'connected' || (sent === 'no answer' && protocol === 'udp');
  return isHeard && differences.length === 0;
}

/** Objects may change between the look at them and the look at kernels: what differs must differ again. */
const tries = 3;
const usualWait = '60s';

/** A word behind `--wait` is its duration, also where it was meant for FROM. */
function readWait(text: string): number {
  if (/^\d/.test(text)) return parseDuration('trace: --wait', text);
  throw usage(`trace: --wait ${text}: must be a duration, such as 90s; without one, write --wait behind FROM and TO`);
}

async function withLive(flags: Flags, asked: Omit<LiveOptions, 'client'>): Promise<Found> {
  if (flags.filename.length > 0 || flags.at !== undefined) {
    throw usage('trace: --live: packets are sent in a running cluster, and now');
  }
  const [{ liveTrace }, { clientOf }] = await Promise.all([import('./live-trace.ts'), import('./objects.ts')]);
  const { wait } = flags;
  const waiting = wait !== undefined && { waitMs: wait === true ? readWait(usualWait) : wait };
  const client = await clientOf(flags, 'trace');
  for (let left = waiting ? 1 : tries; ; left--) {
    const found = await liveTrace({ ...asked, ...waiting, client });
    if (!found.live?.differences.length || left === 1) return found;
  }
}

export function register(command: Command): void {
  command
    .argument('<from>', 'pod/NAME, pod/NAMESPACE/NAME, node/NAME, external or external/ADDRESS')
    .argument('<to>', 'HOST:PORT or HOST:PORT/udp; a name as the sender would say it, a node, or an address')
    .option('-n, --namespace <name>', 'of the pod, when it names none', 'default')
    .option('--via <node>', 'where traffic from outside comes in, when the address does not tell')
    .option('--live', 'also send the packet, follow it through the kernels, and say where they differ from the model')
    .option(
      '--wait [duration]',
      `as --live, but send nothing: wait for such a packet of others (default: ${usualWait})`,
      readWait,
    )
    .option('--all', 'every outcome step by step, not only the likeliest');
  addOutputOption(addObjectOptions(addNetworkOptions(command)))
    .addHelpText('after', furtherHelp)
    .action(run);
}
