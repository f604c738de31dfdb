// What becomes of a packet after the last node that had a say: who gets it, or why nobody does.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { isLoopbackAddress } from '../../netfilter/address.ts';
import type { Outcome, Packet } from '../../netfilter/packet.ts';
import { answersNodePorts, type HealthAt, type NodeRules } from './node-rules.ts';
import { policyCause } from './policies.ts';
import type { Cause, Result } from './trace.ts';
import { answeringNode, holderOf, nodeAddresses, podAt, type World } from './world.ts';

/** What one node makes of a packet. */
export interface Leg {
  readonly node: string;
  readonly packet: Packet;
  readonly outcome: Outcome;
}

export interface Arrival {
  readonly result: Result;
  readonly target: string;
  readonly cause?: Cause | undefined;
  /** What the model cannot know. */
  readonly note?: string;
}

export function arrivalOf(world: World, nodes: NodeRules, last: Leg): Arrival {
  const { verdict, destination } = last.outcome;
  const target = targetText(world, destination.address);
  switch (verdict.kind) {
    case 'drop':
    case 'martian':
      return {
        result: 'dropped',
        target,
        cause:
          closedNodePort(world, nodes, last) ??
          lostCause(world, destination.address) ??
          policyCause(nodes.at(last.node).policies, last.outcome, (address) => namedAddress(world, address)),
      };
    case 'reject':
    case 'unreachable':
      return { result: 'refused', target, cause: closedNodePort(world, nodes, last) };
    case 'local':
      return atNode(world, nodes, last);
    case 'sent':
      return { target, ...sentOn(world, last) };
  }
}

/** Handed to a process of the node; ports of Services that no rule answers have none. */
function atNode(world: World, nodes: NodeRules, leg: Leg): Arrival {
  const target = `node ${leg.node}`;
  if (leg.outcome.translated) return { result: 'arrives', target };
  const health = leg.packet.protocol === 'tcp' ? nodes.healthAt(leg.node, leg.outcome.destination) : undefined;
  if (health?.isAnswered) return { result: 'arrives', target, note: healthNote(leg.node, health) };
  const cause = health ? closedHealthCheck(world, leg, health) : nodePortCause(world, nodes, leg);
  return cause
    ? { result: 'refused', target, cause }
    : { result: 'arrives', target, note: 'if a process of the node listens there; it refuses if none does' };
}

function healthNote(node: string, { namespace, name, localEndpoints }: HealthAt): string {
  const [status, who] = localEndpoints > 0 ? [200, localEndpoints] : [503, 'no'];
  const endpoints = localEndpoints === 1 ? 'endpoint is' : 'endpoints are';
  return `its proxy tells load balancers ${status} there: ${who} ready ${endpoints} on ${node} for Service ${namespace}/${name}`;
}

/** The proxy listens at all addresses, and hangs up at once at those that take no node ports. */
function closedHealthCheck(world: World, { node, outcome }: Leg, { namespace, name }: HealthAt): Cause {
  const { address, port } = outcome.destination;
  return {
    object: `Service ${namespace}/${name}`,
    field: 'spec.healthCheckNodePort',
    message: `health check node port ${port} is not answered at ${address}`,
    remedy: askAddresses(world, node),
  };
}

/** iptables refuses node ports without endpoints on all addresses of the node, whichever answer for node ports. */
function closedNodePort(world: World, nodes: NodeRules, leg: Leg): Cause | undefined {
  const { address } = leg.outcome.destination;
  const isOwn = isLoopbackAddress(address) || nodes.at(leg.node).ownAddresses.includes(address);
  return isOwn && !answersNodePorts(nodes, leg.node, address) ? nodePortCause(world, nodes, leg) : undefined;
}

function nodePortCause(world: World, nodes: NodeRules, { node, packet, outcome }: Leg): Cause | undefined {
  const { address, port } = outcome.destination;
  const found = nodes
    .at(node)
    .plans.find(({ servicePort }) => servicePort.nodePort === port && servicePort.protocol === packet.protocol);
  if (!found) return undefined;
  const { namespace, serviceName } = found.servicePort;
  return {
    object: `Service ${namespace}/${serviceName}`,
    field: 'spec.ports[].nodePort',
    message: `node port ${port} is not answered at ${address}`,
    remedy: askAddresses(world, node),
  };
}

function askAddresses(world: World, name: string): string {
  const node = world.nodes.get(name);
  return `ask an address of the node: ${(node ? nodeAddresses(node) : []).join(', ')}`;
}

function sentOn(world: World, { packet, outcome: { source, destination } }: Leg): Omit<Arrival, 'target'> {
  const { address } = destination;
  if (source.address === address) return { result: 'dropped', cause: ownAddress(world, address) };
  const cause = lostCause(world, address);
  if (cause) return { result: 'dropped', cause };
  const pod = podAt(world, address);
  const isKnown = pod ?? answeringNode(world, address) ?? world.endpoints.get(address);
  const note = pod && undeclaredNote(pod, `${destination.port}/${packet.protocol.toUpperCase()}`);
  return {
    result: isKnown || holderOf(world, address) ? 'arrives' : 'leaves the cluster',
    ...(note !== undefined && { note }),
  };
}

/** Containers need not say where they listen; those that do are likely to listen nowhere else. */
function undeclaredNote({ metadata, spec }: Pod, port: string): string | undefined {
  const declared = (spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.map(({ containerPort, protocol = 'TCP' }) => `${containerPort}/${protocol}`),
  );
  if (declared.length === 0 || declared.includes(port)) return undefined;
  const others = [...new Set(declared)].join(', ');
  return `the containers of pod ${metadata.name} say that they listen at ${others}: if none does at ${port}, it is refused there`;
}

/** Of an address in the range of a node's pods that nobody has. */
function lostCause(world: World, address: string): Cause | undefined {
  const holder = holderOf(world, address);
  // Manifests may leave pods out.
  if (!holder || world.endpoints.has(address) || world.pods.size === 0) return undefined;
  if (podAt(world, address) ?? answeringNode(world, address)) return undefined;
  return {
    object: `Node ${holder.metadata.name}`,
    field: 'spec.podCIDRs',
    message: `${address} is in the range of its pods, and no pod has it: the client hears so after some seconds (no route to host)`,
    remedy: 'a pod was deleted or made anew: ask its Service, whose address stays',
  };
}

/** By way of another node, whose rules hide senders of its own only. */
function ownAddress(world: World, address: string): Cause {
  return {
    object: targetText(world, address).replace(/^pod /, 'Pod '),
    field: 'status.podIP',
    message: 'the packet comes back to its own sender as from itself, which kernels drop',
    remedy: 'ask the cluster IP of the Service, or a port of the own node',
  };
}

function namedAddress(world: World, address: string): string {
  const target = targetText(world, address);
  return target === address ? address : `${target} (${address})`;
}

function targetText(world: World, address: string): string {
  const pod = podAt(world, address);
  if (pod) return `pod ${pod.metadata.namespace}/${pod.metadata.name}`;
  const node = answeringNode(world, address);
  return node ? `node ${node.metadata.name}` : address;
}
