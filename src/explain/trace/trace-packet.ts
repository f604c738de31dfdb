// Follows one packet from its sender to whoever answers, through the rules of every node on its way.
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { familyOf, joinHostPort } from '../../net/ip.ts';
import { isLoopbackAddress } from '../../netfilter/address.ts';
import type { AddressPort, Packet } from '../../netfilter/packet.ts';
import { contains } from '../../proxy/address.ts';
import type { LocalDetector } from '../../proxy/config.ts';
import type { ProxySettings } from '../../proxy/settings.ts';
import { causeOf, type Failed } from './cause.ts';
import { withinReach } from './egress.ts';
import type { From, To } from './ends.ts';
import { type Followed, followPacket } from './follow.ts';
import { asksCluster, namelessCause, resolveName } from './name.ts';
import { answersNodePorts, NodeRules } from './node-rules.ts';
import { relevantObjects } from './relevant.ts';
import { pickAddress, requireSender, type Sender, senderOf } from './sender.ts';
import { leftToBalancer, matchService, serviceStep } from './service.ts';
import type { Cause, Trace, TraceOutcome } from './trace.ts';
import { addressesOf, nodeAt, podBridge, type World, worldOf } from './world.ts';

export interface TraceRequest {
  readonly objects: readonly KubeObject[];
  readonly from: From;
  readonly to: To;
  readonly settings: ProxySettings;
  /** `cluster.local`. */
  readonly clusterDomain: string;
  /** The node at which traffic from outside comes in when the destination does not tell; the first by name else. */
  readonly entryNode?: string | undefined;
  /** Where egress is off: addresses and prefixes beyond the cluster that packets still get to; absent where it is on. */
  readonly reach?: readonly string[] | undefined;
}

/** Any port that a client may send from: rules do not look at it. */
const clientPort = 40_000;

/** Throws {@link TraceError} when the objects do not hold what the question is about. */
export function tracePacket(request: TraceRequest): Trace {
  const trace = traceOf(request);
  return request.reach === undefined ? trace : withinReach(trace, request.reach);
}

function traceOf(request: TraceRequest): Trace {
  const { from, to, settings } = request;
  const world = worldOf(request.objects, request.clusterDomain);
  requireSender(world, from);
  const resolved = resolveName(world, from, to);
  const unheard = resolved && !world.nodes.has(to.host) ? unheardQuestion(world, request) : undefined;
  const name = resolved && unheard ? { host: resolved.host, asked: [], addresses: [], note: unheard.note } : resolved;
  const address = name ? pickAddress(world, from, name.addresses) : to.host;
  const toText = `${joinHostPort(to.host, to.port)}/${to.protocol.toUpperCase()}`;
  const asked = { mode: settings.mode, to: { text: toText, address }, name };
  const text = fromText(from);
  if (address === undefined) {
    const nowhere = { text, address: '', node: '' };
    // Who does not ask the cluster's DNS hears nothing of its Services, whatever is the matter with them.
    const cause = unheard?.cause ?? (name?.asked.length ? namelessCause(world, from, to.host) : undefined);
    return { ...asked, from: nowhere, service: undefined, outcomes: [], cause };
  }
  const staying = withinPod(world, from, address);
  if (staying) {
    const { node, source } = staying;
    const outcome = { ...staying.outcome, destination: joinHostPort(address, to.port) };
    return {
      ...asked,
      from: { text, address: source, node },
      service: undefined,
      outcomes: [outcome],
      cause: undefined,
    };
  }
  const family = familyOf(address) ?? 'IPv4';
  const sender = senderOf(world, from, { family, address, entryNode: request.entryNode });
  const ends = { sender, destination: { address, port: to.port }, protocol: to.protocol };
  return { ...asked, from: { text, address: sender.address, node: sender.node }, ...wayOf(world, settings, ends) };
}

const nameService = 'kube-system/kube-dns';

/** Why the cluster's DNS hears nothing of the sender, which asks it; undefined where it does, or objects do not tell. */
function unheardQuestion(world: World, { from, settings }: TraceRequest): { note: string; cause: Cause } | undefined {
  const address = world.services.get(nameService)?.spec?.clusterIP ?? 'None';
  const family = familyOf(address);
  const pod = from.kind === 'pod' ? world.pods.get(`${from.namespace}/${from.name}`) : undefined;
  const isKnown = (world.doors.objectsOf.get(nameService) ?? []).some(({ kind }) => kind === 'EndpointSlice');
  const isAsked = isKnown && pod && asksCluster(pod) && addressesOf(pod).some((one) => familyOf(one) === family);
  if (!isAsked || !family || !world.nodes.has(pod.spec?.nodeName ?? '')) return undefined;
  const destination = { address, port: 53 };
  const sender = senderOf(world, from, { family, address, entryNode: undefined });
  const { outcomes, cause } = wayOf(world, settings, { sender, destination, protocol: 'udp' });
  if (!cause || outcomes.some(({ result }) => result === 'arrives')) return undefined;
  return {
    note: `the question for it does not reach Service ${nameService} (${joinHostPort(address, 53)}/UDP)`,
    cause,
  };
}

interface Ends {
  readonly sender: Sender;
  readonly destination: AddressPort;
  readonly protocol: To['protocol'];
}

/** What becomes of a packet that leaves its sender, by which Service, and why it does not arrive. */
function wayOf(
  world: World,
  settings: ProxySettings,
  { sender, destination, protocol }: Ends,
): Pick<Trace, 'service' | 'outcomes' | 'cause'> {
  const relevant = { ...world, objects: relevantObjects(world.doors, destination) };
  const nodes = new NodeRules(relevant, settings, familyOf(destination.address) ?? 'IPv4');
  const packet: Packet = {
    protocol,
    destination,
    // A process of the node has the address that the route gives it, which need not be the node's own (ipvs).
    ...(sender.device !== undefined && {
      source: { address: sender.address, port: clientPort },
      inInterface: sender.device,
    }),
  };
  const followed = followPacket(world, nodes, { node: sender.node, packet });
  const outcomes = followed.map(({ traced }) => traced);
  const decision = decisionOf({ world, nodes, ends: { sender, destination, protocol }, followed });
  const known = followed.find(({ cause }) => cause)?.cause;
  const asked = joinHostPort(destination.address, destination.port);
  const isPassedBy = (one: TraceOutcome) => one.result === 'leaves the cluster' && one.destination === asked;
  const isWell = (one: TraceOutcome) =>
    !one.isUnanswered && (one.result === 'arrives' || (one.result === 'leaves the cluster' && !isPassedBy(one)));
  // A policy that drops what is for no port of a Service is not what is wrong with it.
  const isAstray = decision.match === undefined && outcomes.every((one) => one.destination === asked);
  const ofObjects = () => causeOf(world, failureOf(settings, decision, outcomes));
  const cause = outcomes.every(isWell) ? undefined : isAstray ? (ofObjects() ?? known) : (known ?? ofObjects());
  const note = cause
    ? `mode ${settings.mode} has no rule for it, so it goes where the default route leads`
    : leftToBalancer(world, destination.address);
  return {
    service: decision.match && serviceStep(world, decision.match, sharesOf(outcomes)),
    outcomes: merged(outcomes).map((one) => (note !== undefined && isPassedBy(one) ? { ...one, note } : one)),
    cause,
  };
}

/** What the node that decides makes of a packet. */
type Decision = Pick<Failed, 'match' | 'plans' | 'destination' | 'protocol' | 'source' | 'node'>;

interface Decided {
  readonly world: World;
  readonly nodes: NodeRules;
  readonly ends: Ends;
  readonly followed: readonly Followed[];
}

function decisionOf(decided: Decided): Decision {
  const { world, ends, followed } = decided;
  const passed = new Set(followed.flatMap(({ traced }) => traced.hops.map(({ node }) => node)));
  for (const node of passed) {
    const decision = decisionAt(decided, node);
    if (decision.match) return decision;
  }
  return decisionAt(decided, nodeAt(world, ends.destination.address)?.metadata.name ?? ends.sender.node);
}

function decisionAt({ nodes, ends, followed }: Omit<Decided, 'world'>, decider: string): Decision {
  const { sender, destination, protocol } = ends;
  const outcomes = followed.map(({ traced }) => traced);
  // The pod network may have hidden a pod behind its node on the way.
  const source = followed.flatMap(({ seenAs }) => seenAs.get(decider) ?? [])[0] ?? sender.address;
  const { plans, config } = nodes.at(decider);
  const match = matchService(plans, {
    destination,
    protocol,
    isForNodePorts: answersNodePorts(nodes, decider, destination.address),
    isInside:
      sender.device === podBridge
        ? isKnownAsPod(config.localDetector, { address: source, isHere: decider === sender.node })
        : sender.device === undefined && decider === sender.node,
    reached: new Set(outcomes.map((one) => one.destination)),
    isDropped: outcomes.some(({ result }) => result === 'dropped'),
    source,
    firstDecides: nodes.mode === 'ipvs',
  });
  return { match, plans, destination, protocol, source, node: decider };
}

function failureOf(settings: ProxySettings, decision: Decision, outcomes: readonly TraceOutcome[]): Failed {
  const { serviceCIDRs, ignoreExternalIPs: ignoresExternalIPs = false } = settings;
  const carriesAddresses = settings.mode === 'ipvs';
  return {
    ...decision,
    serviceCIDRs,
    ignoresExternalIPs,
    carriesAddresses,
    isUnanswered: outcomes.some((one) => one.isUnanswered),
  };
}

/** By its address; detectors of other kinds go by the bridge, by which it comes into its own node only. */
function isKnownAsPod(
  detector: LocalDetector | undefined,
  { address, isHere }: { readonly address: string; readonly isHere: boolean },
): boolean {
  return detector?.kind === 'cidr' ? contains(detector.cidr, address) : detector !== undefined && isHere;
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

function sharesOf(outcomes: readonly TraceOutcome[]): Map<string, number> {
  const shares = new Map<string, number>();
  for (const { destination, probability } of outcomes) {
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
