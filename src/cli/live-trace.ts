// `portico trace --live`: sends a packet, has every node on its way watch it, and puts kernel and model side by side.
import { randomInt } from 'node:crypto';
import type { Node } from '../api/core/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import type { Client } from '../client/types.ts';
import { readText } from '../client/watch-stream.ts';
import { Failure } from '../cluster/failure.ts';
import { compareLive, type LiveTrace, type NodeSeen } from '../explain/live/compare.ts';
import type { PacketMatch, Seen, SendResult } from '../explain/live/watch.ts';
import type { From, To } from '../explain/trace/ends.ts';
import type { Trace } from '../explain/trace/trace.ts';
import { nodeAddresses } from '../explain/trace/world.ts';
import { familyOf } from '../net/ip.ts';
import { rulesText } from '../proxy/offline.ts';
import type { ProxySettings } from '../proxy/settings.ts';

export interface LiveOptions {
  readonly client: Client;
  readonly objects: readonly KubeObject[];
  readonly settings: ProxySettings;
  readonly from: From;
  readonly to: To;
  readonly trace: Trace;
}

/** Rejects with a Failure where no packet can be sent, or a node does not answer. */
export async function liveTrace({ client, objects, settings, from, to, trace }: LiveOptions): Promise<LiveTrace> {
  const { address } = trace.to;
  if (address === undefined) throw new Failure('trace: --live: the name has no address, so there is nothing to send');
  if (from.kind === 'external')
    throw new Failure('trace: --live: packets are sent from pods and nodes only', { exitCode: 2 });
  if (to.protocol === 'sctp') throw new Failure('trace: --live: packets are of TCP or UDP', { exitCode: 2 });
  const id = randomInt(2 ** 40).toString(36);
  const sourcePort = randomInt(20_000, 30_000);
  const ask = async <T>(node: string, verb: string, body: unknown): Promise<T> => {
    const path = `/api/v1/nodes/${node}/proxy/portico-watch/${id}/${verb}`;
    const response = await client.raw({ method: 'POST', path, body: JSON.stringify(body) });
    const text = await readText(response.body);
    const message = messageIn(text);
    if (response.status === 200 && message === undefined) return JSON.parse(text) as T;
    throw new Failure(`trace: --live: ${node}: ${message ?? text.trim()}`);
  };
  const nodes = nodesOnTheWay(objects, trace);
  const match = { family: familyOf(address) ?? 'IPv4', protocol: to.protocol } as const;
  const first: PacketMatch = {
    ...match,
    sources: [trace.from.address],
    destinations: [address],
    ports: [to.port],
    sourcePort,
  };
  const later = laterMatch(objects, trace, match);
  const matchOf = (node: string) => (node === trace.from.node ? withLocal(first, from, objects, node) : later);
  await Promise.all(nodes.map((node) => ask(node, 'start', matchOf(node))));
  const podAddress = from.kind === 'pod' ? trace.from.address : undefined;
  const { result: sent } = await ask<{ result: SendResult }>(trace.from.node, 'send', {
    protocol: to.protocol,
    destination: address,
    port: to.port,
    sourcePort,
    podAddress,
  });
  const seen = await Promise.all(
    nodes.map(async (node): Promise<NodeSeen> => {
      const families = settings.mode === 'nftables' ? (['IPv4', 'IPv6'] as const) : ([match.family] as const);
      const text = await rulesText({ objects, nodeName: node, settings, families });
      return { node, ...(await ask<Seen>(node, 'stop', { mode: settings.mode, text })) };
    }),
  );
  return compareLive({ trace, sent, seen, watchTable: `portico-watch-${id}`, sourcePort });
}

/** Of a Status, or of a node that could not do it. */
function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return text.trim();
  }
}

/** The sender's node, then all where an endpoint may be. */
function nodesOnTheWay(objects: readonly KubeObject[], { from, outcomes, service }: Trace): string[] {
  const known = new Set(objects.flatMap(({ kind, metadata }) => (kind === 'Node' ? [metadata.name] : [])));
  const hops = outcomes.flatMap((outcome) => outcome.hops.map(({ node }) => node));
  const candidates = service?.candidates.flatMap(({ node }) => node ?? []) ?? [];
  return [...new Set([from.node, ...hops, ...candidates])].filter((node) => known.has(node));
}

/** A node's own packets have the address that the route gives them. */
function withLocal(match: PacketMatch, from: From, objects: readonly KubeObject[], name: string): PacketMatch {
  if (from.kind !== 'node') return match;
  const own = addressesOfNode(objects, name).filter((address) => familyOf(address) === match.family);
  return { ...match, sources: [...new Set([...match.sources, ...own, ...match.destinations])] };
}

/** On further nodes the packet has the client's address or the first node's, and any of the destinations. */
function laterMatch(
  objects: readonly KubeObject[],
  { from, outcomes }: Trace,
  match: Pick<PacketMatch, 'family' | 'protocol'>,
): PacketMatch {
  const ends = outcomes.map(({ destination }) => /^\[?(.+?)\]?:(\d+)$/.exec(destination));
  const own = addressesOfNode(objects, from.node).filter((address) => familyOf(address) === match.family);
  return {
    ...match,
    sources: [...new Set([from.address, ...own, ...outcomes.map(({ source }) => source)])],
    destinations: [...new Set(ends.flatMap((end) => end?.[1] ?? []))],
    ports: [...new Set(ends.map((end) => Number(end?.[2] ?? 0)))],
  };
}

function addressesOfNode(objects: readonly KubeObject[], name: string): string[] {
  const node = objects.find(({ kind, metadata }) => kind === 'Node' && metadata.name === name);
  return node ? nodeAddresses(node as Node) : [];
}
