// Which nodes have to watch for a packet, and what it looks like there.
import type { Node } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { familyOf, type IPFamily } from '../../net/ip.ts';
import type { From, To } from '../trace/ends.ts';
import type { Trace } from '../trace/trace.ts';
import { nodeAddresses } from '../trace/world.ts';
import type { PacketMatch } from './watch.ts';

/** The sender's node, then all where an endpoint may be; all there are where nobody knows which one a packet comes to. */
export function nodesOnTheWay({ objects, trace, from }: Pick<Asked, 'objects' | 'trace' | 'from'>): string[] {
  const { to, outcomes, service } = trace;
  const entry = trace.from.node;
  const known = new Map(
    objects.flatMap((object) =>
      object.kind === 'Node' ? [[object.metadata.name, nodeAddresses(object as Node)] as const] : [],
    ),
  );
  const isForAnyNode = from.kind === 'external' && !known.get(entry)?.includes(to.address ?? '');
  const hops = outcomes.flatMap((outcome) => outcome.hops.map(({ node }) => node));
  const candidates = service?.candidates.flatMap(({ node }) => node ?? []) ?? [];
  const others = isForAnyNode ? known.keys() : [...hops, ...candidates];
  return [...new Set([entry, ...others])].filter((node) => known.has(node));
}

export interface Asked {
  readonly objects: readonly KubeObject[];
  readonly trace: Trace;
  readonly from: From;
  /** With the address in place of a name. */
  readonly to: To;
  /** Where the sender was told one. */
  readonly sourcePort: number | undefined;
}

/** As it is sent, and as it comes from another node. */
export function matchesOf(asked: Asked, node: string): PacketMatch[] {
  const { trace, from, to, sourcePort } = asked;
  const kind = { family: familyOf(to.host) ?? 'IPv4', protocol: to.protocol } as const;
  const later = laterMatch(asked, kind);
  const isOutside = from.kind === 'external';
  if (node !== trace.from.node && !isOutside) return [later];
  const ofNode = ownAddresses(asked, node, kind.family);
  // A pod on the network of its node sends as the node does: from the address that the route gives, which to pods of the node is that
  // of their bridge, as the model says.
  const isOfNode = from.kind === 'node' || ofNode.includes(trace.from.address);
  const own = isOfNode ? [...ofNode, ...trace.outcomes.map(({ source }) => source)] : [];
  const first: PacketMatch = {
    ...kind,
    sources: isOutside
      ? from.address === undefined
        ? []
        : [from.address]
      : [...new Set([trace.from.address, ...own])],
    destinations: [to.host],
    ports: [to.port],
    ...(sourcePort !== undefined && { sourcePort }),
  };
  return isOutside ? [first, later] : [first];
}

function ownAddresses({ objects, to }: Pick<Asked, 'objects' | 'to'>, name: string, family: IPFamily): string[] {
  const node = objects.find(({ kind, metadata }) => kind === 'Node' && metadata.name === name);
  const addresses = node ? nodeAddresses(node as Node) : [];
  return [...addresses.filter((address) => familyOf(address) === family), to.host];
}

/** On further nodes the packet has the client's address or that of a node before, and any of the destinations. */
function laterMatch(asked: Asked, kind: Pick<PacketMatch, 'family' | 'protocol'>): PacketMatch {
  const { from, outcomes } = asked.trace;
  const ends = outcomes.map(({ destination }) => /^\[?(.+?)\]?:(\d+)$/.exec(destination));
  const nodes = new Set([from.node, ...outcomes.flatMap(({ hops }) => hops.map(({ node }) => node))]);
  const own = [...nodes].flatMap((node) => ownAddresses(asked, node, kind.family));
  const sources = [...new Set([from.address, ...own, ...outcomes.map(({ source }) => source)])];
  return {
    ...kind,
    // From outside it may come in by any node, and so from any of them.
    sources: asked.from.kind === 'external' ? [] : sources,
    destinations: [...new Set([asked.to.host, ...ends.flatMap((end) => end?.[1] ?? [])])],
    ports: [...new Set([asked.to.port, ...ends.flatMap((end) => (end ? Number(end[2]) : []))])],
  };
}
