// Everything the ipvs mode loads on a node, as documents for its four loaders.
import { renderTable } from '../../iptables/render.ts';
import { renderAddresses, renderIpSet, renderVirtualServer } from '../../ipvs/render.ts';
import type { ProxyConfig } from '../config.ts';
import type { ServicePortPlan } from '../plan.ts';
import { ipvsTables } from './rules.ts';
import { addMembers, virtualServers } from './servers.ts';
import { SetMembers } from './sets.ts';

/** Carries the addresses of Services, so that the kernel takes packets for them; it stays down. */
export const ipvsDevice = 'kube-ipvs0';

export interface FamilyPlans {
  readonly plans: readonly ServicePortPlan[];
  readonly config: ProxyConfig;
}

/** The documents one after another, each after a comment line that names its loader. */
export function ipvsDocuments(families: readonly FamilyPlans[]): string {
  const addresses = new Set<string>();
  let sets = '';
  let tables = '';
  let servers = '';
  for (const { plans, config } of families) {
    const members = new SetMembers(config.family);
    for (const plan of plans) addMembers(plan, config, members);
    for (const set of members.sets()) {
      sets += renderIpSet(set);
      if (set.type === 'hash:ip') for (const member of set.members) addresses.add(member);
    }
    const loader = config.family === 'IPv4' ? 'iptables-restore' : 'ip6tables-restore';
    tables += `# ${loader}\n${ipvsTables(plans, config, members).map(renderTable).join('')}`;
    for (const plan of plans) servers += virtualServers(plan, config).map(renderVirtualServer).join('');
  }
  return `# ip -batch\n${renderAddresses(ipvsDevice, [...addresses])}# ipset restore\n${sets}${tables}# ipvsadm --restore\n${servers}`;
}
