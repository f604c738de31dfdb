// The name of a trace's destination, resolved as whoever sends the packet would resolve it.

import type { Pod } from '../../api/core/v1/types.generated.ts';
import { CLASS_IN, rcodeText, TYPE } from '../../dns/wire/message.ts';
import { isWithin } from '../../dns/wire/name.ts';
import { answer } from '../../dns/zone/answer.ts';
import { familyOf } from '../../net/ip.ts';
import type { From } from './ends.ts';
import type { NameAsked, NameStep } from './trace.ts';
import { nodeAddresses, type World } from './world.ts';

/** kubelet's `options ndots:5` for pods with dnsPolicy ClusterFirst. */
const ndots = 5;

/** How `host` is resolved by the sender; undefined when it is an address already. */
export function resolveName(world: World, from: From, host: string): NameStep | undefined {
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
    if (addresses.length > 0) return { host, asked, addresses };
    // A name that stands for another is an answer: no further name is tried.
    const [target] = found.records;
    if (target !== undefined) return { host, asked, addresses, note: aliasNote(name, target) };
  }
  const node = world.nodes.get(host);
  if (node) return { host, asked, addresses: nodeAddresses(node), note: `${host} is a Node: its addresses are meant` };
  const note = outsider ?? (from.kind === 'pod' ? unknownNote(world, from, host) : undefined);
  return { host, asked, addresses: [], ...(note !== undefined && { note }) };
}

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

function aliasNote(name: string, target: string): string {
  return `${name} is another name of ${target} (spec.externalName), which is not of the cluster: trace to an address of it`;
}

/** What there is instead of what was asked for. */
function unknownNote({ services }: World, { namespace }: From & { kind: 'pod' }, host: string): string {
  const [name = '', asked = namespace] = host.split('.');
  const service = services.get(`${asked}/${name}`);
  if (service?.spec?.clusterIP === 'None') {
    return `Service ${asked}/${name} is headless and has no endpoint that is ready: its name has no address until one is`;
  }
  if (service) return `Service ${asked}/${name} has no cluster IP: an API server gives it one`;
  const others = [...services.values()].filter(({ metadata }) => metadata.name === name);
  if (others.length === 0)
    return `there is no Service ${asked}/${name}: kubectl get services -A lists those that there are`;
  const names = others.slice(0, 3).map(({ metadata }) => `${name}.${metadata.namespace}`);
  return `there is no Service ${name} in namespace ${asked}: ask for ${names.join(' or ')}`;
}

/** The search path of resolv.conf: names with fewer dots than ndots are tried below each domain first. */
function namesToAsk(world: World, from: From & { kind: 'pod' }, host: string): string[] {
  if (host.endsWith('.')) return [host];
  const { zone } = world.zoneConfig;
  const below = [`${from.namespace}.svc.${zone}`, `svc.${zone}`, zone].map((domain) => `${host}.${domain}`);
  const dots = host.split('.').length - 1;
  return dots >= ndots ? [`${host}.`, ...below] : [...below, `${host}.`];
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
