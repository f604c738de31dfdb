// The name of a trace's destination, resolved as whoever sends the packet would resolve it.

import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { CLASS_IN, rcodeText, TYPE } from '../../dns/wire/message.ts';
import { isWithin } from '../../dns/wire/name.ts';
import { answer } from '../../dns/zone/answer.ts';
import { familyOf } from '../../net/ip.ts';
import type { From, To } from './ends.ts';
import { noEndpointsCause } from './no-endpoints.ts';
import type { Cause, NameAsked, NameStep } from './trace.ts';
import { addressesOf, nodeAddresses, type World } from './world.ts';

/** kubelet's `options ndots:5` for pods with dnsPolicy ClusterFirst. */
const usualNdots = 5;

/** How `host` is resolved by the sender; undefined when it is an address already. */
export function resolveName(world: World, from: From, { host, port }: Pick<To, 'host' | 'port'>): NameStep | undefined {
  if (familyOf(host)) return undefined;
  const asked: NameAsked[] = [];
  const pod = from.kind === 'pod' ? world.pods.get(`${from.namespace}/${from.name}`) : undefined;
  const outsider = pod
    ? outsiderNote(pod)
    : 'names of the cluster are known to its pods only: trace from a pod, or to an address';
  for (const name of from.kind === 'pod' && outsider === undefined ? namesToAsk(world, from, host) : []) {
    const found = ask(world, name);
    asked.push(found);
    const addresses = found.records.filter((record) => familyOf(record));
    if (addresses.length > 0) {
      const note = headlessNote(world, name, port);
      return { host, asked, addresses, ...(note !== undefined && { note }) };
    }
    // A name that stands for another is an answer: no further name is tried.
    const [target] = found.records;
    if (target !== undefined) return { host, asked, addresses, note: aliasNote(world, name, target) };
  }
  const node = world.nodes.get(host);
  if (node) return { host, asked, addresses: nodeAddresses(node), note: `${host} is a Node: its addresses are meant` };
  const note = outsider ?? (from.kind === 'pod' ? unknownNote(world, from, host) : undefined);
  return { host, asked, addresses: [], ...(note !== undefined && { note }) };
}

/** Whether a pod's names are the cluster's. */
export const asksCluster = (pod: Pod): boolean => outsiderNote(pod) === undefined;

/** Of a pod that does not ask the cluster's DNS. */
function outsiderNote({ spec }: Pod): string | undefined {
  const policy = spec?.dnsPolicy ?? 'ClusterFirst';
  if (policy === 'ClusterFirst' && spec?.hostNetwork) {
    return 'a pod on the network of its node asks the DNS of the node, which knows no names of the cluster: set dnsPolicy: ClusterFirstWithHostNet, or trace to an address';
  }
  if (policy === 'Default' || policy === 'None') {
    return `the pod's dnsPolicy is ${policy}, so it does not ask the cluster's DNS: set it to ClusterFirst, or trace to an address`;
  }
  return undefined;
}

function aliasNote(world: World, name: string, target: string): string {
  const [service = '', namespace = ''] = name.toLowerCase().split('.');
  const isExternal = world.services.get(`${namespace}/${service}`)?.spec?.type === 'ExternalName';
  const source = isExternal ? 'spec.externalName' : 'its EndpointSlice has names, addressType FQDN';
  return `${name} is another name of ${target} (${source}), which is not of the cluster: trace to an address of it`;
}

/** Of a Service whose name stands for its pods: no rule picks one of them, and none translates ports. */
function headlessNote(world: World, asked: string, port: number): string | undefined {
  const [name = '', namespace = ''] = asked.toLowerCase().split('.');
  const { zone } = world.zoneConfig;
  const service = world.services.get(`${namespace}/${name}`);
  if (service?.spec?.clusterIP !== 'None' || asked.toLowerCase() !== `${name}.${namespace}.svc.${zone}`)
    return undefined;
  const slices = (world.doors.objectsOf.get(`${namespace}/${name}`) ?? []) as Partial<EndpointSlice>[];
  const listening = [...new Set(slices.flatMap(({ ports }) => (ports ?? []).flatMap((one) => one.port ?? [])))];
  const others =
    listening.length > 0 && !listening.includes(port)
      ? `; it translates no ports, and its endpoints listen at ${listening.join(', ')}, not at ${port}`
      : '';
  return `Service ${namespace}/${name} is headless: its name stands for its pods, and whoever asks picks one: here the first${others}`;
}

/** The Service that is meant by a name without an address, in the sender's namespace if it says none. */
const meantBy = (host: string, namespace: string) => {
  const [name = '', asked = namespace] = host.split('.');
  return { name, asked, key: `${asked}/${name}` };
};

/** Why the name of a Service that there is has no address; undefined for what is no Service's. */
export function namelessCause(world: World, from: From, host: string): Cause | undefined {
  if (from.kind !== 'pod') return undefined;
  const { name, asked, key } = meantBy(host, from.namespace);
  const { spec } = world.services.get(key) ?? {};
  if (spec?.clusterIP === 'None') {
    const slices = (world.doors.objectsOf.get(key) ?? []) as Partial<EndpointSlice>[];
    const target = world.zone.endpoints(asked, name).find(({ isName }) => isName)?.address;
    if (target !== undefined)
      return isOfCluster(world, target) ? nobodys(key, 'EndpointSlice endpoints[].addresses', target) : undefined;
    const listed = slices.reduce((sum, { endpoints }) => sum + (endpoints?.length ?? 0), 0);
    return noEndpointsCause(world, { service: key, port: undefined, family: undefined, listed });
  }
  if (spec?.type !== 'ExternalName') return undefined;
  const { externalName = '' } = spec;
  const isAddress = familyOf(externalName) !== undefined;
  if (!isAddress) return isOfCluster(world, externalName) ? nobodys(key, 'spec.externalName', externalName) : undefined;
  return {
    object: `Service ${key}`,
    field: 'spec.externalName',
    message: `${externalName} is an address, and names stand for names alone: DNS has no answer for it`,
    remedy: 'make it a Service without a selector, and write an EndpointSlice with the address',
  };
}

const isOfCluster = ({ zoneConfig }: World, name: string): boolean =>
  isWithin(`${name.toLowerCase().replace(/\.$/, '')}.`, zoneConfig.zone);

/** Of a Service that stands for a name which is none. */
function nobodys(service: string, field: string, name: string): Cause {
  return {
    object: `Service ${service}`,
    field,
    message: `${name} is a name of the cluster that nobody has`,
    remedy: 'take the name of a Service that there is: kubectl get services -A',
  };
}

/** What there is instead of what was asked for. */
function unknownNote(
  { services, pods, zoneConfig }: World,
  { namespace }: From & { kind: 'pod' },
  host: string,
): string {
  const { name, asked, key } = meantBy(host, namespace);
  const service = services.get(key);
  if (service?.spec?.clusterIP === 'None') {
    return `Service ${asked}/${name} is headless and has no endpoint that is ready: its name has no address until one is`;
  }
  if (service?.spec?.type === 'ExternalName') {
    return `Service ${asked}/${name} is another name of ${service.spec.externalName}, which has no address here`;
  }
  if (service) return `Service ${asked}/${name} has no cluster IP: an API server gives it one`;
  const others = [...services.values()].filter(({ metadata }) => metadata.name === name);
  const [address] = addressesOf(pods.get(key) ?? {});
  if (address !== undefined) return `${name} is a pod, whose name DNS does not know: ask ${address}, or a Service`;
  if (others.length === 0) {
    const isShort = !host.includes('.') || host.endsWith('.svc');
    const isInside = isShort || isWithin(`${host.toLowerCase().replace(/\.$/, '')}.`, zoneConfig.zone);
    const isNamespace = [...services.values()].some(({ metadata }) => metadata.namespace === asked);
    return isInside || isNamespace
      ? `there is no Service ${asked}/${name}: kubectl get services -A lists those that there are`
      : `there is no namespace ${asked} with Services; who has ${host} outside, the DNS there knows: trace to an address of it`;
  }
  const names = others.slice(0, 3).map(({ metadata }) => `${name}.${metadata.namespace}`);
  return `there is no Service ${name} in namespace ${asked}: ask for ${names.join(' or ')}`;
}

/** The search path of resolv.conf: names with fewer dots than ndots are tried below each domain first. */
function namesToAsk(world: World, from: From & { kind: 'pod' }, host: string): string[] {
  if (host.endsWith('.')) return [host];
  const { zone } = world.zoneConfig;
  const { searches = [], options = [] } = world.pods.get(`${from.namespace}/${from.name}`)?.spec?.dnsConfig ?? {};
  const own = searches.map((domain) => `${domain.replace(/\.$/, '')}.`);
  const domains = [`${from.namespace}.svc.${zone}`, `svc.${zone}`, zone, ...own];
  const below = [...new Set(domains)].map((domain) => `${host}.${domain}`);
  const wanted = Number(options.findLast(({ name }) => name === 'ndots')?.value ?? usualNdots);
  const dots = host.split('.').length - 1;
  return dots >= wanted ? [`${host}.`, ...below] : [...below, `${host}.`];
}

function ask(world: World, name: string): NameAsked {
  if (!isWithin(name.toLowerCase(), world.zoneConfig.zone)) return { name, result: 'no cluster name', records: [] };
  const answers = [TYPE.A, TYPE.AAAA].map((type) =>
    answer(world.zone, { name, type, class: CLASS_IN }, world.zoneConfig),
  );
  const records = answers.flatMap(({ answers: found }) =>
    found.flatMap(({ data }) => ('address' in data ? [data.address] : 'target' in data ? [data.target] : [])),
  );
  return { name, result: rcodeText(answers[0]?.rcode ?? 0), records: [...new Set(records)] };
}
