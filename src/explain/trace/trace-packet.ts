// Follows one packet from its sender to whoever answers, through the rules of every node on its way.
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { familyOf, type IPFamily, joinHostPort } from '../../net/ip.ts';
import { isLoopbackAddress } from '../../netfilter/address.ts';
import type { Packet } from '../../netfilter/packet.ts';
import type { ProxySettings } from '../../proxy/settings.ts';
import { causeOf } from './cause.ts';
import { type From, type To, TraceError } from './ends.ts';
import { followPacket } from './follow.ts';
import { resolveName } from './name.ts';
import { NodeRules } from './node-rules.ts';
import { relevantObjects } from './relevant.ts';
import { matchService, serviceStep } from './service.ts';
import type { Trace, TraceOutcome } from './trace.ts';
import {
  addressesOf,
  answeringNode,
  isOver,
  nodeAddresses,
  nodeAt,
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
  requireSender(world, from);
  const name = resolveName(world, from, to);
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
  const staying = withinPod(world, from, address);
  if (staying) {
    const { node, source } = staying;
    const outcome = { ...staying.outcome, destination: joinHostPort(address, to.port) };
    return {
      ...{ mode: settings.mode, to: { text: toText, address }, name, service: undefined, cause: undefined },
      from: { text: fromText(from), address: source, node },
      outcomes: [outcome],
    };
  }
  const family = familyOf(address) ?? 'IPv4';
  const sender = senderOf(world, from, { family, address, entryNode: request.entryNode });
  const destination = { address, port: to.port };
  const relevant = { ...world, objects: relevantObjects(world.doors, destination) };
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
  const followed = followPacket(world, nodes, { node: sender.node, packet });
  const outcomes = followed.map(({ traced }) => traced);
  const denied = followed.find(({ cause }) => cause)?.cause;
  // A node port of another node is that node's to decide.
  const node = nodeAt(world, address) ?? world.nodes.get(sender.node);
  const decider = node?.metadata.name ?? sender.node;
  const { plans } = nodes.at(decider);
  const match = matchService(plans, {
    destination,
    protocol: to.protocol,
    nodeAddresses: node ? nodeAddresses(node) : [],
    isInside: sender.device === podBridge || (sender.device === undefined && decider === sender.node),
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
          node: decider,
          serviceCIDRs: settings.serviceCIDRs,
        }))
      : undefined,
  };
}

/** What a pod sends to itself leaves it by no device, and no rule of a node sees it. */
function withinPod(world: World, from: From, address: string) {
  const pod = from.kind === 'pod' ? world.pods.get(`${from.namespace}/${from.name}`) : undefined;
  const own = pod ? addressesOf(pod) : [];
  if (!pod || pod.spec?.hostNetwork || !(own.includes(address) || isLoopbackAddress(address))) return undefined;
  const outcome: Omit<TraceOutcome, 'destination'> = {
    ...{ probability: 1, result: 'arrives', target: `pod ${objectKey(pod)}`, source: address, masqueraded: false },
    ...{ hops: [], reply: [], nextTime: [] },
    note: `it stays in the pod, for ${address} is the pod itself; if nothing listens there, it is refused`,
  };
  return { outcome, source: address, node: pod.spec?.nodeName ?? '' };
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

/** Throws {@link TraceError} for a sender that is not there. */
function requireSender(world: World, from: From): void {
  if (from.kind === 'node' && !world.nodes.has(from.name)) throw new TraceError(missingNode(world, from.name));
  if (from.kind !== 'pod') return;
  const pod = world.pods.get(`${from.namespace}/${from.name}`);
  if (pod && isOver(pod)) {
    throw new TraceError(`pod ${objectKey(pod)} is over (${pod.status?.phase}), so it sends nothing`);
  }
  if (pod) return;
  const others = [...world.pods.values()].filter(({ metadata }) => metadata.name === from.name);
  const places = others.slice(0, 3).map(({ metadata }) => `pod/${metadata.namespace}/${metadata.name}`);
  const advice = places.length > 0 ? `there is ${places.join(', ')}` : 'kubectl get pods -A lists those that there are';
  throw new TraceError(`there is no pod ${from.namespace}/${from.name} among the objects: ${advice}`);
}

function missingNode({ nodes }: World, name: string): string {
  const known = [...nodes.keys()].sort();
  const shown = known.length > 5 ? `${known.slice(0, 5).join(', ')} and ${known.length - 5} more` : known.join(', ');
  return `there is no Node ${name} among the objects: ${known.length === 0 ? 'there is none' : `there are ${shown}`}`;
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
    const node = pod?.spec?.nodeName;
    if (!pod || !node)
      throw new TraceError(`pod ${key} is on no node yet, so it sends nothing: look at kubectl describe pod`);
    if (!world.nodes.has(node)) throw new TraceError(`pod ${key} is on ${node}: ${missingNode(world, node)}`);
    return {
      address: own(addressesOf(pod), `pod ${key}`),
      node,
      device: pod.spec?.hostNetwork ? undefined : podBridge,
    };
  }
  if (from.kind === 'node') {
    const node = world.nodes.get(from.name);
    if (!node) throw new TraceError(missingNode(world, from.name));
    return { address: own(nodeAddresses(node), `node ${from.name}`), node: from.name, device: undefined };
  }
  const entry =
    answeringNode(world, target.address)?.metadata.name ?? target.entryNode ?? [...world.nodes.keys()].sort()[0];
  if (entry === undefined || !world.nodes.has(entry)) throw new TraceError(missingNode(world, entry ?? ''));
  const address = from.address ?? someClient[family];
  if (familyOf(address) !== family) throw new TraceError(`external/${address} has no ${family} address`);
  return { address, node: entry, device: uplink };
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
