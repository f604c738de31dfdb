// Follows one packet from its sender to whoever answers, through the rules of every node on its way.
import type { KubeObject } from '../../apimachinery/object.ts';
import { familyOf, type IPFamily, joinHostPort } from '../../net/ip.ts';
import type { AddressPort, Outcome, Packet, Step } from '../../netfilter/packet.ts';
import { replyTo } from '../../netfilter/reply.ts';
import { PacketSimulator } from '../../netfilter/simulator.ts';
import { decisionText } from '../../netfilter/text.ts';
import { plansOf } from '../../proxy/offline.ts';
import type { ServicePortPlan } from '../../proxy/plan.ts';
import { rulesetOf } from '../../proxy/ruleset.ts';
import type { ProxySettings } from '../../proxy/settings.ts';
import { causeOf } from './cause.ts';
import { type From, type To, TraceError } from './ends.ts';
import { resolveName } from './name.ts';
import { policyCause, policyTables } from './policies.ts';
import { relevantObjects } from './relevant.ts';
import { matchService, serviceStep } from './service.ts';
import type { Cause, Hop, Result, Trace, TraceOutcome, TraceStep } from './trace.ts';
import {
  addressesOf,
  networkOf,
  nodeAddresses,
  nodeAt,
  nodeOfAddress,
  podAt,
  podBridge,
  uplink,
  type World,
  worldOf,
} from './world.ts';

export interface TraceRequest {
  readonly objects: readonly KubeObject[];
  readonly from: From;
  readonly to: To;
  readonly settings: ProxySettings;
  /** `cluster.local`. */
  readonly clusterDomain: string;
  /** The node at which traffic from outside comes in when the destination does not tell; the first by name else. */
  readonly entryNode?: string | undefined;
}

/** Any port that a client may send from: rules do not look at it. */
const clientPort = 40_000;
/** Stands for a client outside when nobody says which (RFC 5737, RFC 3849). */
const someClient = { IPv4: '192.0.2.1', IPv6: '2001:db8::1' } as const;

/** Throws {@link TraceError} when the objects do not hold what the question is about. */
export function tracePacket(request: TraceRequest): Trace {
  const { from, to, settings } = request;
  const world = worldOf(request.objects, request.clusterDomain);
  const name = resolveName(world, from, to.host);
  const address = name ? pickAddress(world, from, name.addresses) : to.host;
  const toText = `${joinHostPort(to.host, to.port)}/${to.protocol.toUpperCase()}`;
  if (address === undefined) {
    const text = fromText(from);
    return {
      mode: settings.mode,
      from: { text, address: '', node: '' },
      to: { text: toText, address },
      name,
      service: undefined,
      outcomes: [],
      cause: undefined,
    };
  }
  const family = familyOf(address) ?? 'IPv4';
  const sender = senderOf(world, from, { family, address, entryNode: request.entryNode });
  const destination = { address, port: to.port };
  const relevant = { ...world, objects: relevantObjects(world.objects, destination) };
  const nodes = new NodeRules(relevant, settings, family);
  const packet: Packet = {
    protocol: to.protocol,
    destination,
    // A process of the node has the address that the route gives it, which need not be the node's own (ipvs).
    ...(sender.device !== undefined && {
      source: { address: sender.address, port: clientPort },
      inInterface: sender.device,
    }),
  };
  const followed = nodes
    .simulator(sender.node)
    .send(packet)
    .map((outcome) => follow({ world, nodes, packet, sender, outcome }));
  const outcomes = followed.map(({ traced }) => traced);
  const denied = followed.find(({ cause }) => cause)?.cause;
  const { plans } = nodes.at(sender.node);
  const node = world.nodes.get(sender.node);
  const match = matchService(plans, {
    destination,
    protocol: to.protocol,
    nodeAddresses: node ? nodeAddresses(node) : [],
    isInside: from.kind !== 'external',
  });
  const failed = outcomes.some(({ result }) => result === 'refused' || result === 'dropped');
  return {
    mode: settings.mode,
    from: { text: fromText(from), address: sender.address, node: sender.node },
    to: { text: toText, address },
    name,
    service: match && serviceStep(world, match, sharesOf(outcomes)),
    outcomes: merged(outcomes),
    cause: failed
      ? (denied ??
        causeOf(world, {
          match,
          plans,
          destination,
          source: sender.address,
          node: sender.node,
          serviceCIDRs: settings.serviceCIDRs,
        }))
      : undefined,
  };
}

function fromText(from: From): string {
  if (from.kind === 'pod') return `pod ${from.namespace}/${from.name}`;
  return from.kind === 'node' ? `node ${from.name}` : 'outside the cluster';
}

/** The first address of a family that the sender has. */
function pickAddress(world: World, from: From, addresses: readonly string[]): string | undefined {
  if (from.kind !== 'pod') return addresses[0];
  const pod = world.pods.get(`${from.namespace}/${from.name}`);
  const families = new Set((pod ? addressesOf(pod) : []).map(familyOf));
  return addresses.find((address) => families.has(familyOf(address))) ?? addresses[0];
}

interface Sender {
  readonly address: string;
  /** The node whose rules meet the packet first. */
  readonly node: string;
  /** The device by which it comes in; undefined for what the node itself sends. */
  readonly device: string | undefined;
}

function senderOf(
  world: World,
  from: From,
  target: { readonly family: IPFamily; readonly address: string; readonly entryNode: string | undefined },
): Sender {
  const { family } = target;
  const own = (addresses: readonly string[], what: string) => {
    const address = addresses.find((one) => familyOf(one) === family);
    if (address === undefined) throw new TraceError(`${what} has no ${family} address`);
    return address;
  };
  if (from.kind === 'pod') {
    const key = `${from.namespace}/${from.name}`;
    const pod = world.pods.get(key);
    if (!pod) throw new TraceError(`there is no pod ${key} among the objects`);
    const node = pod.spec?.nodeName;
    if (!node || !world.nodes.has(node)) throw new TraceError(`pod ${key} is on no node that is among the objects`);
    return {
      address: own(addressesOf(pod), `pod ${key}`),
      node,
      device: pod.spec?.hostNetwork ? undefined : podBridge,
    };
  }
  if (from.kind === 'node') {
    const node = world.nodes.get(from.name);
    if (!node) throw new TraceError(`there is no Node ${from.name} among the objects`);
    return { address: own(nodeAddresses(node), `node ${from.name}`), node: from.name, device: undefined };
  }
  const entry = nodeAt(world, target.address)?.metadata.name ?? target.entryNode ?? [...world.nodes.keys()].sort()[0];
  if (entry === undefined || !world.nodes.has(entry))
    throw new TraceError(`there is no Node ${entry ?? ''} among the objects`);
  const address = from.address ?? someClient[family];
  if (familyOf(address) !== family) throw new TraceError(`external/${address} has no ${family} address`);
  return { address, node: entry, device: uplink };
}

/** Plans and simulators of the nodes that the packet meets, made once each. */
class NodeRules {
  readonly #world: World;
  readonly #settings: ProxySettings;
  readonly #family: IPFamily;
  readonly #made = new Map<
    string,
    { readonly plans: readonly ServicePortPlan[]; readonly simulator: PacketSimulator }
  >();

  constructor(world: World, settings: ProxySettings, family: IPFamily) {
    this.#world = world;
    this.#settings = settings;
    this.#family = family;
  }

  at(nodeName: string): { readonly plans: readonly ServicePortPlan[]; readonly simulator: PacketSimulator } {
    let made = this.#made.get(nodeName);
    if (!made) {
      const { objects, nodes } = this.#world;
      const node = nodes.get(nodeName);
      if (!node) throw new TraceError(`there is no Node ${nodeName} among the objects`);
      const [rules] = plansOf({ objects, nodeName, settings: this.#settings, families: [this.#family] });
      if (!rules) throw new Error('one family gives one set of plans');
      const services = rulesetOf(this.#settings.mode, rules.plans, rules.config);
      const policies = policyTables(this.#world, nodeName, this.#family);
      const ruleset = { ...services, nftables: [...(services.nftables ?? []), ...policies] };
      made = { plans: rules.plans, simulator: new PacketSimulator({ ruleset, network: networkOf(this.#world, node) }) };
      this.#made.set(nodeName, made);
    }
    return made;
  }

  simulator(node: string): PacketSimulator {
    return this.at(node).simulator;
  }
}

interface Way {
  readonly world: World;
  readonly nodes: NodeRules;
  readonly packet: Packet;
  readonly sender: Sender;
  readonly outcome: Outcome;
}

/** With the policy that drops it, where one does. */
function follow(way: Way): { readonly traced: TraceOutcome; readonly cause: Cause | undefined } {
  const { world, nodes, packet, sender, outcome } = way;
  const hops: Hop[] = [{ node: sender.node, steps: outcome.steps.map(traceStep) }];
  const { destination, verdict, source } = outcome;
  let result = resultOf(world, outcome);
  let cause = policyCause(outcome);
  if (result === 'arrives' && verdict.kind === 'sent' && verdict.device === uplink) {
    const next = nodeOfAddress(world, destination.address) ?? nodeAt(world, destination.address);
    if (next && next.metadata.name !== sender.node) {
      // The next node's rules see the packet as it left the first.
      const [there] = nodes
        .simulator(next.metadata.name)
        .send({ protocol: packet.protocol, source, destination, inInterface: uplink });
      if (there) {
        hops.push({ node: next.metadata.name, steps: there.steps.map(traceStep) });
        result = resultOf(world, there);
        cause = policyCause(there);
      }
    }
  }
  const traced: TraceOutcome = {
    probability: outcome.probability,
    result,
    destination: hostPort(destination),
    target: targetText(world, destination.address),
    source: source.address,
    masqueraded: outcome.masqueraded,
    hops,
    reply: result === 'arrives' ? replyText(way) : [],
  };
  return { traced, cause };
}

function traceStep({ hook, decision, chance, packet }: Step): TraceStep {
  const addresses = `${hostPort(packet.source)} -> ${hostPort(packet.destination)}`;
  return { hook, decision: decisionText(decision), chance, packet: addresses };
}

function resultOf(world: World, { verdict, destination }: Outcome): Result {
  switch (verdict.kind) {
    case 'drop':
    case 'martian':
      return 'dropped';
    case 'reject':
    case 'unreachable':
      return 'refused';
    case 'local':
      return 'arrives';
    case 'sent': {
      const { address } = destination;
      return isKnown(world, address) ? 'arrives' : 'leaves the cluster';
    }
  }
}

function isKnown(world: World, address: string): boolean {
  return (
    podAt(world, address) !== undefined ||
    world.endpoints.has(address) ||
    (nodeOfAddress(world, address) ?? nodeAt(world, address)) !== undefined
  );
}

function targetText(world: World, address: string): string {
  const pod = podAt(world, address);
  if (pod) return `pod ${pod.metadata.namespace}/${pod.metadata.name}`;
  const node = nodeAt(world, address);
  return node ? `node ${node.metadata.name}` : address;
}

/** What the answer meets on the node that translated the packet, and as whose it reaches the client. */
function replyText({ world, nodes, packet, sender, outcome }: Way): string[] {
  const { destination, source } = outcome;
  const said = `${hostPort(destination)} answers ${source.address}`;
  if (!outcome.translated && !outcome.masqueraded) return [said];
  const device = nodeOfAddress(world, destination.address)?.metadata.name === sender.node ? podBridge : uplink;
  const [back] = nodes.simulator(sender.node).send(replyTo(packet, outcome, device));
  const seen = back ? `${hostPort(back.source)} -> ${back.destination.address}` : 'nothing';
  return [
    said,
    `on ${sender.node} connection tracking turns it into ${seen}: the client sees the answer come from where it asked`,
  ];
}

function sharesOf(outcomes: readonly TraceOutcome[]): Map<string, number> {
  const shares = new Map<string, number>();
  for (const { destination, probability, result } of outcomes) {
    if (result === 'arrives' || result === 'leaves the cluster')
      shares.set(destination, (shares.get(destination) ?? 0) + probability);
  }
  return shares;
}

/** Several dice may lead to one end: it is told once, by its most likely way. */
function merged(outcomes: readonly TraceOutcome[]): TraceOutcome[] {
  const groups = Map.groupBy(outcomes, ({ result, destination, source }) => `${result} ${destination} ${source}`);
  return [...groups.values()]
    .map((group) => {
      const [likely] = group.toSorted((a, b) => b.probability - a.probability);
      const probability = group.reduce((sum, one) => sum + one.probability, 0);
      return { ...likely!, probability };
    })
    .sort((a, b) => b.probability - a.probability || (a.destination < b.destination ? -1 : 1));
}

const hostPort = ({ address, port }: AddressPort): string => joinHostPort(address, port);
