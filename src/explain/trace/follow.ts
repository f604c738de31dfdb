// A packet from node to node: each one's rules see it as the one before let it go.
import { familyOf, joinHostPort } from '../../net/ip.ts';
import type { AddressPort, Memory, Outcome, Step } from '../../netfilter/packet.ts';
import { replyTo } from '../../netfilter/reply.ts';
import { decisionText } from '../../netfilter/text.ts';
import { isKnownAsDown } from '../pods-of-service.ts';
import { arrivalOf, type Leg } from './arrival.ts';
import type { NodeRules } from './node-rules.ts';
import type { Cause, TraceOutcome, TraceStep } from './trace.ts';
import { answeringNode, nodeAddresses, nodeAt, nodeOfAddress, podBridge, uplink, type World } from './world.ts';

export interface Followed {
  readonly traced: TraceOutcome;
  /** Who does not let it arrive, where that is known already. */
  readonly cause: Cause | undefined;
  /** The sender's address as each node on the way sees it, by the node's name; without a node whose own process sends. */
  readonly seenAs: ReadonlyMap<string, string>;
}

/** More than a packet that goes in by one node's port and out by another's needs: what goes round and round ends. */
const mostNodes = 4;

/** All that may become of a packet that `node` meets. */
export function followPacket(world: World, nodes: NodeRules, { node, packet }: Omit<Leg, 'outcome'>): Followed[] {
  const where = { world, nodes, memories: new Map() };
  return waysFrom(where, [], { node, packet }).flatMap((legs) => told(where, legs) ?? []);
}

interface Where {
  readonly world: World;
  readonly nodes: NodeRules;
  /** By node: which clients are kept by whom. */
  readonly memories: ReadonlyMap<string, Memory>;
}

/** The ways on from the end of one, each a leg for each node. */
function waysFrom(where: Where, legs: readonly Leg[], at: Omit<Leg, 'outcome'>): Leg[][] {
  return where.nodes
    .simulator(at.node)
    .send(at.packet, where.memories.get(at.node))
    .flatMap((made) => {
      const next = legs.length + 1 < mostNodes ? nextNode(where.world, at.node, made) : undefined;
      const outcome = hiddenByPodNetwork(where.world, at.node, made);
      const way = [...legs, { ...at, outcome }];
      if (next === undefined) return [way];
      const { source, destination } = outcome;
      const packet = { protocol: at.packet.protocol, source, destination, inInterface: uplink };
      return waysFrom(where, way, { node: next, packet });
    });
}

/** The node that a packet is sent on to; undefined where it stays or leaves the cluster. */
function nextNode(world: World, from: string, { verdict, destination }: Outcome): string | undefined {
  if (verdict.kind !== 'sent' || verdict.device !== uplink) return undefined;
  const next = (nodeOfAddress(world, destination.address) ?? answeringNode(world, destination.address))?.metadata.name;
  return next === from ? undefined : next;
}

/** What goes from a pod to an address that is neither a pod's nor a node's own (a load balancer's, the world's) comes from the node. */
function hiddenByPodNetwork(world: World, node: string, outcome: Outcome): Outcome {
  const { source, destination, verdict } = outcome;
  if (verdict.kind !== 'sent' || verdict.device !== uplink) return outcome;
  const isInside = nodeOfAddress(world, destination.address) ?? nodeAt(world, destination.address);
  const sender = world.nodes.get(node);
  if (isInside || !sender || nodeOfAddress(world, source.address) !== sender) return outcome;
  const family = familyOf(source.address);
  const address = nodeAddresses(sender).find((one) => familyOf(one) === family);
  return address === undefined ? outcome : { ...outcome, source: { ...source, address }, masqueraded: true };
}

/** Where the same client's next connections may go; empty where nobody remembers it. */
function nextTime(where: Where, legs: readonly Leg[]): string[] {
  const [first] = legs;
  if (!first || legs.every(({ outcome }) => outcome.remembers.length === 0)) return [];
  const memories = new Map(legs.map(({ node, outcome }) => [node, memoryOf(outcome)]));
  const ways = waysFrom({ ...where, memories }, [], first);
  const ends = ways.flatMap((way) => way.slice(-1));
  return [...new Set(ends.map(({ outcome }) => hostPort(outcome.destination)))].sort();
}

function memoryOf({ remembers }: Outcome): Memory {
  return new Map(remembers.map(({ list, address }) => [list, new Set([address])]));
}

function told(where: Where, legs: readonly Leg[]): Followed | undefined {
  const { world, nodes } = where;
  const last = legs.at(-1);
  if (!last) return undefined;
  const { destination, source } = last.outcome;
  const { result, target, cause, ...arrival } = arrivalOf(world, nodes, last);
  const isSent = result === 'arrives' || result === 'leaves the cluster';
  const down = isSent ? legs.map(({ node }) => downNote(world, node)) : [];
  const notes = [arrival.note, ...down].filter((one) => one !== undefined);
  const note = notes.length > 0 ? notes.join('; ') : undefined;
  const missed = isSent ? missedByAnswer(world, legs) : undefined;
  const answer = missed === undefined ? { note } : { isUnanswered: true as const, note: unansweredNote(last, missed) };
  const traced: TraceOutcome = {
    probability: legs.reduce((product, leg) => product * leg.outcome.probability, 1),
    result,
    destination: hostPort(destination),
    target,
    source: source.address,
    masqueraded: legs.some((leg) => leg.outcome.masqueraded),
    hops: legs.map((leg) => ({ node: leg.node, steps: leg.outcome.steps.map(traceStep) })),
    reply: result === 'arrives' && missed === undefined ? replyText(world, nodes, legs) : [],
    nextTime: nextTime(where, legs),
    ...(answer.note !== undefined && { ...answer, note: answer.note }),
  };
  const seenAs = new Map(legs.flatMap(({ node, packet }) => (packet.source ? [[node, packet.source.address]] : [])));
  return { traced, cause, seenAs };
}

/** Its rules may work on without whoever looks after them. */
function downNote(world: World, name: string): string | undefined {
  const node = world.nodes.get(name);
  return node && isKnownAsDown(node) ? `${name} is not ready: if it is down, nothing passes it` : undefined;
}

/** An answer passes the nodes of its target and of whom that sees, and no others: the node that translated must be one of them. */
function missedByAnswer(world: World, legs: readonly Leg[]): string | undefined {
  const { source, destination } = legs.at(-1)!.outcome;
  const passed = [destination, source].map(
    ({ address }) => (nodeAt(world, address) ?? nodeOfAddress(world, address))?.metadata.name,
  );
  return legs.find(({ node, outcome }) => outcome.translated && !passed.includes(node))?.node;
}

function unansweredNote({ outcome: { source, destination } }: Leg, missed: string): string {
  return `the answer goes from ${destination.address} to ${source.address} without passing ${missed}, so it does not come from where the client asked: no connection comes about`;
}

function traceStep({ hook, decision, chance, packet }: Step): TraceStep {
  const addresses = `${hostPort(packet.source)} -> ${hostPort(packet.destination)}`;
  return { hook, decision: decisionText(decision), chance, packet: addresses };
}

/** What the answer meets on each node that translated the packet, and as whose it reaches the client. */
function replyText(world: World, nodes: NodeRules, legs: readonly Leg[]): string[] {
  const last = legs.at(-1);
  if (!last) return [];
  const { destination, source } = last.outcome;
  const translating = legs.filter(({ outcome }) => outcome.translated || outcome.masqueraded).reverse();
  return [
    `${hostPort(destination)} answers ${source.address}`,
    ...translating.map(({ node, packet, outcome }, i) => {
      const isHere = nodeOfAddress(world, outcome.destination.address)?.metadata.name === node;
      const [back] = nodes.simulator(node).send(replyTo(packet, outcome, isHere ? podBridge : uplink));
      const seen = back ? `${hostPort(back.source)} -> ${back.destination.address}` : 'nothing';
      const isLast = i === translating.length - 1;
      const end = isLast ? ': the client sees the answer come from where it asked' : '';
      return `on ${node} connection tracking turns it into ${seen}${end}`;
    }),
  ];
}

const hostPort = ({ address, port }: AddressPort): string => joinHostPort(address, port);
