// The objects that a trace looks at, and what the machines around them are like.
import { podCIDRsOf } from '../../api/core/v1/node/facts.ts';
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import { ingressIPs } from '../../api/core/v1/service/load-balancer.ts';
import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { announcedByAnnotation } from '../../api/portico/v1/load-balancer-pool.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import type { ZoneConfig } from '../../dns/zone/answer.ts';
import { ClusterZone } from '../../dns/zone/view.ts';
import { addressAt, type CIDR, contains, familyOfCIDR, formatCIDR, parseCIDR } from '../../net/cidr.ts';
import { familyOf, formatIP, type IPFamily, parseIP } from '../../net/ip.ts';
import type { NodeNetwork, Route } from '../../netfilter/packet.ts';
import { type Doors, doorsOf } from './relevant.ts';

/** How a pod's packets come into a node, and how a node reaches others: as src/podnetwork lays it out. */
export const podBridge = 'cni0';
export const uplink = 'eth0';

export interface World {
  readonly objects: readonly KubeObject[];
  readonly nodes: ReadonlyMap<string, Node>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** By name of the node. */
  readonly podsOfNode: ReadonlyMap<string | undefined, readonly Pod[]>;
  /** Those that are not on their node's own network, by address. */
  readonly podAt: ReadonlyMap<string, Pod>;
  readonly services: ReadonlyMap<string, Service>;
  /** Addresses that slices list, with the node that they say. */
  readonly endpoints: ReadonlyMap<string, string | undefined>;
  /** Addresses of load balancers, with the node that answers for each. */
  readonly announced: ReadonlyMap<string, string>;
  readonly doors: Doors;
  /** Of the pods of each node. */
  readonly podRanges: readonly { readonly node: Node; readonly cidr: CIDR }[];
  /** How each node is reached from the others, by its name. */
  readonly routesTo: ReadonlyMap<string, readonly Route[]>;
  readonly zone: ClusterZone;
  readonly zoneConfig: ZoneConfig;
}

function placed<T extends KubeObject>(object: T): T {
  const { namespace } = object.metadata;
  return namespace ? object : { ...object, metadata: { ...object.metadata, namespace: 'default' } };
}

/** Lists of objects never change, so what was worked out from one holds for as long as somebody has it. */
const known = new WeakMap<readonly KubeObject[], World>();

/** `clusterDomain` without dots at its ends. */
export function worldOf(objects: readonly KubeObject[], clusterDomain: string): World {
  const domain = `${clusterDomain.toLowerCase()}.`;
  const before = known.get(objects);
  if (before?.zoneConfig.zone === domain) return before;
  const world = worldFrom(objects, domain);
  known.set(objects, world);
  return world;
}

function worldFrom(objects: readonly KubeObject[], domain: string): World {
  const nodes = new Map<string, Node>();
  const pods = new Map<string, Pod>();
  const services = new Map<string, Service>();
  const endpoints = new Map<string, string | undefined>();
  const announced = new Map<string, string>();
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
      const announcer = service.metadata.annotations?.[announcedByAnnotation];
      if (announcer !== undefined) for (const ip of ingressIPs(service)) announced.set(ip, announcer);
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
  const namespaces = new Set([...pods.values(), ...services.values()].map(({ metadata }) => metadata.namespace));
  for (const name of namespaces) zone.setNamespace({ metadata: { name: name ?? 'default' }, spec: {} });
  const zoneConfig: ZoneConfig = {
    zone: domain,
    ttl: 5,
    pods: 'insecure',
    serverAddresses: [],
  };
  const podsOfNode = Map.groupBy(pods.values(), ({ spec }) => spec?.nodeName);
  const routesTo = new Map([...nodes].map(([name, node]) => [name, routesToPodsOf(node)]));
  const doors = doorsOf(objects);
  const podRanges = [...nodes.values()].flatMap((node) =>
    podCIDRsOf(node).flatMap((text) => {
      const cidr = parseCIDR(text);
      return cidr ? { node, cidr } : [];
    }),
  );
  return {
    ...{ objects, nodes, pods, podsOfNode, podAt: byAddress(pods), services, endpoints, announced },
    ...{ doors, podRanges, routesTo, zone, zoneConfig },
  };
}

/** Where two have one address, the first is told. */
function byAddress(pods: ReadonlyMap<string, Pod>): Map<string, Pod> {
  const found = new Map<string, Pod>();
  for (const pod of pods.values()) {
    // Pods that are done keep their address in their status, but others may have it now.
    if (pod.spec?.hostNetwork || isPodTerminal(pod)) continue;
    for (const address of addressesOf(pod)) if (!found.has(address)) found.set(address, pod);
  }
  return found;
}

/** The pod that has an address and is not on its node's own network. */
export function podAt(world: World, address: string): Pod | undefined {
  return world.podAt.get(address);
}

export function addressesOf(pod: Pick<Pod, 'status'>): string[] {
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

/** … or that answers for it, being a load balancer's. */
export function answeringNode(world: World, address: string): Node | undefined {
  return nodeAt(world, address) ?? world.nodes.get(world.announced.get(address) ?? '');
}

/** The node that a pod address is on: its pod's, that of a slice which lists it, or the one whose podCIDR holds it. */
export function nodeOfAddress(world: World, address: string): Node | undefined {
  const name = podAt(world, address)?.spec?.nodeName ?? world.endpoints.get(address);
  return name ? world.nodes.get(name) : holderOf(world, address);
}

/** The node of whose pods' range an address is. */
export function holderOf({ podRanges }: World, address: string): Node | undefined {
  const ip = parseIP(address);
  return ip && podRanges.find(({ cidr }) => contains(cidr, ip))?.node;
}

/** What stands for the addresses of a node's pods in one line of its routing table. */
function podRoutes(node: Readonly<Node>, next: (destination: string) => Route): Route[] {
  return podCIDRsOf(node).flatMap((text) => {
    const cidr = parseCIDR(text);
    return cidr ? [next(formatCIDR(cidr))] : [];
  });
}

function routesToPodsOf(node: Readonly<Node>): Route[] {
  const addresses = nodeAddresses(node);
  return podRoutes(node, (destination) => {
    const family = familyOfCIDR(destination);
    const via = addresses.find((address) => familyOf(address) === family);
    return { destination, device: uplink, ...(via !== undefined && { via }) };
  });
}

/** As packets of one family meet it. */
export function networkOf(world: World, node: Readonly<Node>, family: IPFamily): NodeNetwork {
  const isOfFamily = ({ destination }: Route) => destination.includes(':') === (family === 'IPv6');
  const announced = [...world.announced].flatMap(([ip, name]) => (name === node.metadata.name ? ip : []));
  const own = [...nodeAddresses(node), ...announced].filter((address) => familyOf(address) === family);
  const gateways = podCIDRsOf(node).flatMap((text) => {
    const cidr = parseCIDR(text);
    return cidr ? [formatIP(addressAt(cidr, 1n))] : [];
  });
  const routes = podRoutes(node, (destination) => ({ destination, device: podBridge }));
  for (const [name, ways] of world.routesTo) {
    if (name !== node.metadata.name) routes.push(...ways.filter(isOfFamily));
  }
  // Pods whose address no podCIDR holds are where their objects say.
  const ranges = world.podRanges.filter((range) => range.node === node).map(({ cidr }) => cidr);
  for (const pod of world.podsOfNode.get(node.metadata.name) ?? []) {
    if (pod.spec?.hostNetwork) continue;
    for (const address of addressesOf(pod)) {
      const ip = parseIP(address);
      if (ip && !ranges.some((cidr) => contains(cidr, ip))) {
        routes.push({ destination: `${address}/${familyOf(address) === 'IPv6' ? 128 : 32}`, device: podBridge });
      }
    }
  }
  routes.push({ destination: '0.0.0.0/0', device: uplink }, { destination: '::/0', device: uplink });
  return {
    devices: [
      { name: uplink, addresses: own },
      { name: podBridge, addresses: gateways.filter((address) => familyOf(address) === family) },
    ],
    routes,
    routeLocalnet: true,
  };
}
