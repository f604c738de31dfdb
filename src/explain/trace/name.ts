// The name of a trace's destination, resolved as whoever sends the packet would resolve it.

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
  for (const name of from.kind === 'pod' ? namesToAsk(world, from, host) : []) {
    const found = ask(world, name);
    asked.push(found);
    const addresses = found.records.filter((record) => familyOf(record));
    if (addresses.length > 0) return { host, asked, addresses };
  }
  const node = world.nodes.get(host);
  if (node) return { host, asked, addresses: nodeAddresses(node), note: `${host} is a Node: its addresses are meant` };
  const note =
    from.kind === 'pod'
      ? undefined
      : 'names of the cluster are known to its pods only: trace from a pod, or to an address';
  return { host, asked, addresses: [], ...(note !== undefined && { note }) };
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
