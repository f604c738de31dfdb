// The objects that a trace looks at, and what the machines around them are like.
import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import type { ZoneConfig } from '../../dns/zone/answer.ts';
import { ClusterZone } from '../../dns/zone/view.ts';
import { addressAt, containsText, formatCIDR, parseCIDR } from '../../net/cidr.ts';
import { familyOf, formatIP } from '../../net/ip.ts';
import type { NodeNetwork, Route } from '../../netfilter/packet.ts';

/** How a pod's packets come into a node, and how a node reaches others: as src/podnetwork lays it out. */
export const podBridge = 'cni0';
export const uplink = 'eth0';

export interface World {
  readonly objects: readonly KubeObject[];
  readonly nodes: ReadonlyMap<string, Node>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, Pod>;
  readonly services: ReadonlyMap<string, Service>;
  /** Addresses that slices list, with the node that they say. */
  readonly endpoints: ReadonlyMap<string, string | undefined>;
  readonly zone: ClusterZone;
  readonly zoneConfig: ZoneConfig;
}

function placed<T extends KubeObject>(object: T): T {
  const { namespace } = object.metadata;
  return namespace ? object : { ...object, metadata: { ...object.metadata, namespace: 'default' } };
}

/** `clusterDomain` without dots at its ends. */
export function worldOf(objects: readonly KubeObject[], clusterDomain: string): World {
  const nodes = new Map<string, Node>();
  const pods = new Map<string, Pod>();
  const services = new Map<string, Service>();
  const endpoints = new Map<string, string | undefined>();
  const zone = new ClusterZone();
  for (const object of objects) {
    if (object.kind === 'Node') nodes.set(object.metadata.name, object as Node);
    if (object.kind === 'Pod') {
      const pod = placed(object as Pod);
      pods.set(objectKey(pod), pod);
      zone.setPod(pod);
    }
    if (object.kind === 'Service') {
      const service = placed(object as Service);
      services.set(objectKey(service), service);
      zone.setService(service);
    }
    if (object.kind === 'EndpointSlice') {
      const slice = placed(object as EndpointSlice);
      for (const { addresses, nodeName } of slice.endpoints ?? []) {
        for (const address of addresses) endpoints.set(address, nodeName);
      }
      zone.setSlice(slice);
    }
  }
  // Manifests need not name the namespaces that they use.
  for (const { metadata } of [...pods.values(), ...services.values()]) {
    zone.setNamespace({ metadata: { name: metadata.namespace ?? 'default' }, spec: {} });
  }
  const zoneConfig: ZoneConfig = {
    zone: `${clusterDomain.toLowerCase()}.`,
    ttl: 5,
    pods: 'insecure',
    serverAddresses: [],
  };
  return { objects, nodes, pods, services, endpoints, zone, zoneConfig };
}

/** The pod that has an address and is not on its node's own network. */
export function podAt(world: World, address: string): Pod | undefined {
  for (const pod of world.pods.values()) {
    if (!pod.spec?.hostNetwork && addressesOf(pod).includes(address)) return pod;
  }
  return undefined;
}

export function addressesOf(pod: Readonly<Pod>): string[] {
  const { podIP, podIPs } = pod.status ?? {};
  return podIPs?.length ? podIPs.map(({ ip }) => ip) : podIP ? [podIP] : [];
}

export function nodeAddresses(node: Readonly<Node>): string[] {
  return (node.status?.addresses ?? [])
    .filter(({ type, address }) => type.endsWith('IP') && familyOf(address))
    .map(({ address }) => address);
}

export function nodeAt(world: World, address: string): Node | undefined {
  for (const node of world.nodes.values()) if (nodeAddresses(node).includes(address)) return node;
  return undefined;
}

/** The node that a pod address is on: its pod's, that of a slice which lists it, or the one whose podCIDR holds it. */
export function nodeOfAddress(world: World, address: string): Node | undefined {
  const name = podAt(world, address)?.spec?.nodeName ?? world.endpoints.get(address);
  if (name) return world.nodes.get(name);
  for (const node of world.nodes.values()) if (holds(node, address)) return node;
  return undefined;
}

function podCIDRs(node: Readonly<Node>): string[] {
  return node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []);
}

function holds(node: Readonly<Node>, address: string): boolean {
  return podCIDRs(node).some((text) => {
    const cidr = parseCIDR(text);
    return cidr !== undefined && containsText(cidr, address);
  });
}

/** What stands for the addresses of a node's pods in one line of its routing table. */
function podRoutes(node: Readonly<Node>, next: (destination: string) => Route): Route[] {
  return podCIDRs(node).flatMap((text) => {
    const cidr = parseCIDR(text);
    return cidr ? [next(formatCIDR(cidr))] : [];
  });
}

export function networkOf(world: World, node: Readonly<Node>): NodeNetwork {
  const own = nodeAddresses(node);
  const gateways = podCIDRs(node).flatMap((text) => {
    const cidr = parseCIDR(text);
    return cidr ? [formatIP(addressAt(cidr, 1n))] : [];
  });
  const routes = podRoutes(node, (destination) => ({ destination, device: podBridge }));
  for (const other of world.nodes.values()) {
    if (other.metadata.name === node.metadata.name) continue;
    for (const route of podRoutes(other, (destination) => ({ destination, device: uplink }))) {
      const via = nodeAddresses(other).find(
        (address) => familyOf(address) === familyOf(route.destination.split('/')[0]!),
      );
      routes.push({ ...route, ...(via !== undefined && { via }) });
    }
  }
  // Pods whose address no podCIDR holds are where their objects say.
  for (const pod of world.pods.values()) {
    if (pod.spec?.hostNetwork || pod.spec?.nodeName !== node.metadata.name) continue;
    for (const address of addressesOf(pod)) {
      if (!holds(node, address)) {
        routes.push({ destination: `${address}/${familyOf(address) === 'IPv6' ? 128 : 32}`, device: podBridge });
      }
    }
  }
  routes.push({ destination: '0.0.0.0/0', device: uplink }, { destination: '::/0', device: uplink });
  return {
    devices: [
      { name: uplink, addresses: own },
      { name: podBridge, addresses: gateways },
    ],
    routes,
    routeLocalnet: true,
  };
}
