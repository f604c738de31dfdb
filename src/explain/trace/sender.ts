// Who sends a packet: with what address, on which node, by which device.
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { familyOf, type IPFamily } from '../../net/ip.ts';
import { type From, TraceError } from './ends.ts';
import { addressesOf, answeringNode, nodeAddresses, podBridge, uplink, type World } from './world.ts';

/** Stands for a client outside when nobody says which (RFC 5737, RFC 3849). */
export const someClient = { IPv4: '192.0.2.1', IPv6: '2001:db8::1' } as const;

/** The first address of a family that the sender has. */
export function pickAddress(world: World, from: From, addresses: readonly string[]): string | undefined {
  if (from.kind !== 'pod') return addresses[0];
  const pod = world.pods.get(`${from.namespace}/${from.name}`);
  const families = new Set((pod ? addressesOf(pod) : []).map(familyOf));
  return addresses.find((address) => families.has(familyOf(address))) ?? addresses[0];
}

/** Throws {@link TraceError} for a sender that is not there. */
export function requireSender(world: World, from: From): void {
  if (from.kind === 'node' && !world.nodes.has(from.name)) throw new TraceError(missingNode(world, from.name));
  if (from.kind !== 'pod') return;
  const pod = world.pods.get(`${from.namespace}/${from.name}`);
  if (pod && isPodTerminal(pod)) {
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

/** Where a packet comes from, as the rules see it. */
export interface Sender {
  readonly address: string;
  /** The node whose rules meet the packet first. */
  readonly node: string;
  /** The device by which it comes in; undefined for what the node itself sends. */
  readonly device: string | undefined;
}

/** Throws {@link TraceError} for a sender without an address of the family, or on no node. */
export function senderOf(
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
