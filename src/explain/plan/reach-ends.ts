// Who sends and who is sent to, for what a change of NetworkPolicies lets pass: pods, addresses of endpoints, the outside.
import { isPodTerminal, lastingContainers } from '../../api/core/v1/pod/facts.ts';
import type { Pod, Service } from '../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { canonicalIP } from '../../net/ip.ts';
import type { Isolation, Protocol } from '../../networkpolicy/plan.ts';
import { addressesOf, nodeAt, type World } from '../trace/world.ts';

export interface End {
  /** `shop/web-1`, an address, or the range that somebody outside is in. */
  readonly member: string;
  /** Of which others have the same: `Deployment shop/web`, `pod shop/web-1`, `outside the cluster`. */
  readonly name: string;
  /** Canonical; of either family. */
  readonly addresses: readonly string[];
  readonly node: string | undefined;
  /** It has the address of its node, where no policy sees what passes between it and pods of that node. */
  readonly isOnHost: boolean;
}

export const outside = 'outside the cluster';

/** Stands for ports that nobody names. */
export const unnamedPort = 0;

/** Pods that have an address and have not ended, by `namespace/name`. */
export function podEnds({ pods }: World): Map<string, End> {
  const ends = new Map<string, End>();
  for (const [key, pod] of pods) {
    const addresses = addressesOf(pod).flatMap((ip) => canonicalIP(ip) ?? []);
    if (isPodTerminal(pod) || addresses.length === 0) continue;
    const { nodeName, hostNetwork = false } = pod.spec ?? {};
    ends.set(key, { member: key, name: ownerOf(pod), addresses, node: nodeName, isOnHost: hostNetwork });
  }
  return ends;
}

/** Its workload: of a ReplicaSet that is named for the hash of its template, the Deployment. */
function ownerOf(pod: Pod): string {
  const { namespace, labels, ownerReferences = [] } = pod.metadata;
  const owner = ownerReferences.find(({ controller }) => controller);
  if (!owner) return `pod ${objectKey(pod)}`;
  const suffix = `-${labels?.['pod-template-hash']}`;
  const isDeployments = owner.kind === 'ReplicaSet' && owner.name.endsWith(suffix);
  return isDeployments
    ? `Deployment ${namespace}/${owner.name.slice(0, -suffix.length)}`
    : `${owner.kind} ${namespace}/${owner.name}`;
}

/** A port of an end, as what it is known. */
export interface Target {
  readonly end: End;
  readonly protocol: Protocol;
  readonly port: number;
  /** `Service shop/db:sql`, `Deployment shop/db 8080/TCP`. */
  readonly label: string;
  /** The Service that leads to it: `shop/db`. */
  readonly service?: string;
  /** Clients outside the cluster have a way to it. */
  readonly isOpen: boolean;
}

/** The ports of Services' ready endpoints, and those of pods that no Service stands before. */
export function targetsOf(world: World, objects: readonly KubeObject[], pods: ReadonlyMap<string, End>): Target[] {
  const byAddress = new Map([...pods.values()].filter(({ isOnHost }) => !isOnHost).flatMap(withAddresses));
  const targets = objects.flatMap((object) =>
    object.kind === 'EndpointSlice' ? targetsOfSlice(world, object as EndpointSlice, byAddress) : [],
  );
  const served = Map.groupBy(targets, ({ end }) => end.member);
  for (const [key, end] of pods) {
    if (!end.isOnHost) targets.push(...declaredTargets(world.pods.get(key)!, end, served.get(key) ?? []));
  }
  return targets;
}

const withAddresses = (end: End) => end.addresses.map((address) => [address, end] as const);

function targetsOfSlice(world: World, slice: EndpointSlice, byAddress: ReadonlyMap<string, End>): Target[] {
  const key = `${slice.metadata.namespace ?? 'default'}/${slice.metadata.labels?.[serviceNameLabel]}`;
  const service = world.services.get(key);
  if (!service || slice.addressType === 'FQDN') return [];
  const isOpen = isOpenToOutside(service);
  const ends = (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.map((address) => byAddress.get(address) ?? addressEnd(world, address)))
    // Only the node's own pods are sent there.
    .filter(({ isOnHost }) => !isOnHost || service.spec.internalTrafficPolicy !== 'Local');
  return (slice.ports ?? []).flatMap(({ name, protocol = 'TCP', port }) => {
    if (port === undefined) return [];
    const label = `Service ${key}${name ? `:${name}` : ''}`;
    return ends.map((end) => ({ end, protocol: protocol as Protocol, port, label, service: key, isOpen }));
  });
}

function isOpenToOutside({ spec, status }: Service): boolean {
  const hasPorts = spec.ports?.some(({ nodePort }) => nodePort) ?? false;
  return hasPorts || (spec.externalIPs?.length ?? 0) > 0 || (status?.loadBalancer?.ingress?.length ?? 0) > 0;
}

function addressEnd(world: World, address: string): End {
  const node = nodeAt(world, address)?.metadata.name;
  return { member: address, name: address, addresses: [address], node, isOnHost: node !== undefined };
}

/** What containers declare beside the ports that Services are for; of a pod with neither, those that nobody names. */
function declaredTargets(pod: Pod, end: End, served: readonly Target[]): Target[] {
  const spec = { ...pod.spec, containers: pod.spec?.containers ?? [] };
  const declared = lastingContainers({ spec }).flatMap(({ ports = [] }) =>
    ports.map(({ containerPort, protocol = 'TCP' }) => ({ port: containerPort, protocol: protocol as Protocol })),
  );
  if (declared.length + served.length === 0) {
    return [{ end, protocol: 'TCP', port: unnamedPort, label: end.name, isOpen: false }];
  }
  return declared
    .filter(({ port, protocol }) => !served.some((one) => one.port === port && one.protocol === protocol))
    .map(({ port, protocol }) => ({ end, protocol, port, label: `${end.name} ${port}/${protocol}`, isOpen: false }));
}

/** The ports that rules name, of everybody outside, and those that none names. */
export function outsideTargets(ends: readonly End[], isolations: Iterable<Isolation>): Target[] {
  const ranges = [...isolations].flatMap(({ allows }) => allows.flatMap(({ ports }) => ports ?? []));
  const labels = new Map(
    ranges.map(({ protocol, from, to }) => {
      const text = from === to ? String(from) : `${from}-${to}`;
      return [`${outside} ${text}/${protocol}`, { protocol, port: from }] as const;
    }),
  );
  const others = labels.size === 0 ? outside : `${outside} (other ports)`;
  const ports = [...labels, [others, { protocol: 'TCP', port: unnamedPort }] as const];
  return ends.flatMap((end) => ports.map(([label, port]) => ({ ...port, end, label, isOpen: false })));
}
