// `portico trace --live`: a packet that is sent, or that somebody else sends; every node on its way watches it, and kernel
// and model are put side by side.
import { randomInt } from 'node:crypto';
import type { Node, Pod } from '../api/core/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import type { Client } from '../client/types.ts';
import { Failure } from '../cluster/failure.ts';
import { compareLive, type LiveTrace, type NodeSeen } from '../explain/live/compare.ts';
import { isSameEnd, readTrace } from '../explain/live/kernel-trace.ts';
import { matchesOf, nodesOnTheWay } from '../explain/live/matches.ts';
import { type Passage, progressOf } from '../explain/live/passage.ts';
import { sendPacket } from '../explain/live/send.ts';
import type { Ends, SendResult } from '../explain/live/watch.ts';
import type { From, To } from '../explain/trace/ends.ts';
import type { Trace } from '../explain/trace/trace.ts';
import { addressesOf, nodeAddresses } from '../explain/trace/world.ts';
import { familyOf } from '../net/ip.ts';
import { rulesText } from '../proxy/offline.ts';
import type { ProxySettings } from '../proxy/settings.ts';
import { tools } from './cluster-options.ts';
import { usage } from './flag-values.ts';
import { NodeWatches } from './node-watches.ts';

export interface Look {
  readonly objects: readonly KubeObject[];
  readonly trace: Trace;
}

export interface LiveOptions {
  readonly client: Client;
  readonly settings: ProxySettings;
  readonly from: From;
  readonly to: To;
  /** Reads the objects anew, and what follows from them for such a sender; `entryNode` is where it comes in from outside. */
  readonly look: (from: From, entryNode?: string) => Promise<Look>;
  /** Milliseconds to wait for a packet of somebody else's; absent: one is sent. */
  readonly waitMs?: number;
}

export interface Found {
  readonly trace: Trace;
  /** Undefined where nothing can be sent: the name has no address. */
  readonly live: LiveTrace | undefined;
}

/** How often nodes are asked whether the packet came. */
const askEveryMs = 300;
/** … and once it came, whether it is through. */
const askAgainMs = 20;
/** No node tells of a packet that gets lost between two of them, or that the kernel drops without a rule. */
const lostAfterMs = 3000;

/** Rejects with a Failure where no packet can be sent or none comes, or a node does not answer. */
export async function liveTrace(options: LiveOptions): Promise<Found> {
  const { client, settings, to, waitMs } = options;
  if (to.protocol === 'sctp' && waitMs === undefined) {
    throw usage(
      'trace: --live sends TCP and UDP, not SCTP: watch for a packet that somebody else sends with --wait, or ask the model alone',
    );
  }
  const from = await senderOf(options);
  const { objects, trace } = await options.look(from);
  const { address } = trace.to;
  if (address === undefined) return { trace, live: undefined };
  const watches = new NodeWatches(client, randomInt(2 ** 40).toString(36));
  const sourcePort = waitMs === undefined ? randomInt(20_000, 30_000) : undefined;
  const wanted = nodesOnTheWay({ objects, trace, from });
  const asked = { objects, trace, from, to: { ...to, host: address }, sourcePort };
  const isOutside = outsideOf(objects);
  const isIt = ({ destination, source }: Ends) =>
    isSameEnd(destination, { address, port: to.port }) &&
    source.port === (sourcePort ?? source.port) &&
    (from.kind !== 'external' || isOutside(source.address));
  const starts = wanted.map((node) => watches.start(node, { matches: matchesOf(asked, node) }));
  const { nodes, silent } = await answering(wanted, starts, from.kind === 'external' ? undefined : trace.from.node);
  const sent =
    sourcePort === undefined
      ? await someoneSends({ watches, nodes, isIt, nodeOf: placesOf(objects), waitMs: waitMs ?? 0 })
      : await send(watches, { from, trace, to: asked.to, sourcePort });
  const family = familyOf(address) ?? 'IPv4';
  const families = settings.mode === 'nftables' ? (['IPv4', 'IPv6'] as const) : ([family] as const);
  const seen = await Promise.all(
    nodes.map(async (node): Promise<NodeSeen> => {
      const text = await rulesText({ objects, nodeName: node, settings, families });
      return watches.stop(node, { mode: settings.mode, family, text });
    }),
  );
  const first = entryOf(seen, { isIt, table: watches.table, expected: trace.from.node });
  const packet = first && readTrace(first.trace, watches.table).find(isIt);
  if (from.kind === 'external' && !packet) {
    const unheard = silent.length === 0 ? '' : `, and ${silent.join(', ')} does not answer`;
    throw new Failure(
      `trace: --live: no node saw the packet${unheard}: there is no way from this machine to ${address}; send it from where there is one, and watch it with --wait`,
    );
  }
  // Where a packet from outside comes in, and from whom, is known only now.
  const model =
    from.kind === 'external' && packet && first
      ? (await options.look({ kind: 'external', address: packet.source.address }, first.node)).trace
      : trace;
  const live = compareLive({
    trace: model,
    sent,
    silent,
    isAnswered: to.protocol === 'tcp',
    seen: [...(first ? [first] : []), ...seen.filter((one) => one !== first)],
    watchTable: watches.table,
    sourcePort: packet?.source.port ?? sourcePort ?? 0,
  });
  return { trace: model, live };
}

/** Without the sender's node nothing can be seen; without one of the others, something. */
async function answering(nodes: readonly string[], asked: readonly Promise<void>[], sender: string | undefined) {
  const said = await Promise.allSettled(asked);
  const failures = said.flatMap((one, i) =>
    one.status === 'rejected' ? [{ node: nodes[i], reason: one.reason }] : [],
  );
  const fatal = failures.find(({ node }) => node === sender || failures.length === nodes.length);
  if (fatal) throw fatal.reason;
  const silent = failures.flatMap(({ node }) => node ?? []);
  return { nodes: nodes.filter((node) => !silent.includes(node)), silent };
}

/** Who sends from outside is this machine, unless others are waited for. */
async function senderOf({ from, look, waitMs }: LiveOptions): Promise<From> {
  if (from.kind !== 'external' || waitMs !== undefined) return from;
  const { address } = (await look(from)).trace.to;
  if (address === undefined) return from;
  const { stdout } = await tools.exec.run(['ip', '-o', 'route', 'get', address]);
  const own = / src (\S+)/.exec(stdout)?.[1];
  if (own === undefined) throw new Failure(`trace: --live: this machine has no route to ${address}`);
  if (from.address !== undefined && from.address !== own) {
    throw usage(
      `trace: --live: this machine sends from ${own}: leave out the address, or wait for a packet of ${from.address} with --wait`,
    );
  }
  return { kind: 'external', address: own };
}

/** The nodes of pods, and nodes themselves, by their addresses. */
function placesOf(objects: readonly KubeObject[]): (address: string) => string | undefined {
  const places = objects.flatMap((object): [string, string | undefined][] => {
    if (object.kind === 'Node') return nodeAddresses(object as Node).map((ip) => [ip, object.metadata.name]);
    if (object.kind !== 'Pod') return [];
    return addressesOf(object as Pod).map((ip) => [ip, (object as Pod).spec.nodeName]);
  });
  const nodeOf = new Map(places);
  return (address) => nodeOf.get(address);
}

/** Neither a pod's address nor a node's. */
function outsideOf(objects: readonly KubeObject[]): (address: string) => boolean {
  const inside = new Set(
    objects.flatMap((object) => {
      if (object.kind === 'Node') return nodeAddresses(object as Node);
      return object.kind === 'Pod' ? addressesOf(object as Pod) : [];
    }),
  );
  return (address) => !inside.has(address);
}

interface Sending extends Pick<LiveOptions, 'from' | 'to'> {
  readonly trace: Trace;
  readonly sourcePort: number;
}

async function send(watches: NodeWatches, { from, trace, to, sourcePort }: Sending): Promise<SendResult> {
  const { host: destination, port } = to;
  const protocol = to.protocol === 'udp' ? 'udp' : 'tcp';
  const packet = { protocol, destination, port, sourcePort } as const;
  if (from.kind === 'external') return sendPacket(tools.exec, { ...packet, inside: [] });
  return watches.send(trace.from.node, { ...packet, ...(from.kind === 'pod' && { podAddress: trace.from.address }) });
}

interface Waiting extends Pick<Entry, 'isIt'>, Pick<Passage, 'nodeOf'> {
  readonly watches: NodeWatches;
  readonly nodes: readonly string[];
  readonly waitMs: number;
}

/** Resolves when one has gone its way; what the sender met is not known. */
async function someoneSends({ watches, nodes, isIt, nodeOf, waitMs }: Waiting): Promise<undefined> {
  const { clock } = tools;
  const end = clock.monotonic() + waitMs;
  let lost = Number.POSITIVE_INFINITY;
  for (;;) {
    const asked = nodes.map(async (node) => [node, await watches.packets(node)] as const);
    const progress = progressOf({ seen: new Map(await Promise.all(asked)), isIt, nodeOf });
    const now = clock.monotonic();
    if (progress === 'through' || now >= lost) return undefined;
    if (progress === 'on its way') lost = Math.min(lost, now + lostAfterMs);
    else if (now >= end) {
      throw new Failure(
        `trace: --live: no such packet came by in ${waitMs / 1000} s on ${nodes.join(', ')}: connections that are open already send none; wait longer with --wait`,
      );
    }
    await clock.sleep(progress === 'not seen' ? askEveryMs : askAgainMs);
  }
}

interface Entry {
  readonly isIt: (packet: Ends) => boolean;
  readonly table: string;
  /** The node that the model takes for it. */
  readonly expected: string;
}

/** What the node saw at which the packet came in: the one that knows it as it was sent. */
function entryOf(seen: readonly NodeSeen[], { isIt, table, expected }: Entry): NodeSeen | undefined {
  return (
    seen.find((one) => readTrace(one.trace, table).some(isIt)) ?? seen.find(({ node }) => node === expected) ?? seen[0]
  );
}
