// Everything the ipvs mode loads on a node, from plans: as values, and as documents for its four loaders.
import { renderTable } from '../../iptables/render.ts';
import type { Table, TableUpdate } from '../../iptables/ruleset.ts';
import { serverKey } from '../../ipvs/diff.ts';
import { renderAddresses, renderIpSet, renderVirtualServer } from '../../ipvs/render.ts';
import type { IpSet, IpvsRuleset, VirtualServer } from '../../ipvs/ruleset.ts';
import type { FamilyPlans, ProxyConfig } from '../config.ts';
import { wholeTables } from '../iptables/jumps.ts';
import type { ServicePortPlan } from '../plan.ts';
import { ipvsJumps, ipvsUpdates } from './rules.ts';
import { addMembers, carriedAddresses, type IpvsConfig, ipvsConfigOf, virtualServers } from './servers.ts';
import { SetMembers } from './sets.ts';

/** Carries the addresses of Services, so that the kernel takes packets for them; it stays down. */
export const ipvsDevice = 'kube-ipvs0';

/** What one family wants. */
export interface FamilyRules extends IpvsRuleset {
  /** Whole chains for `iptables-restore --noflush`, without the jumps to them. */
  readonly updates: readonly TableUpdate[];
}

/** Where two Services ask for the same address and port, the first one has it. */
function withoutRepeats(servers: readonly VirtualServer[]): VirtualServer[] {
  const first = new Map<string, VirtualServer>();
  for (const server of servers) if (!first.has(serverKey(server))) first.set(serverKey(server), server);
  return [...first.values()];
}

export function familyRules(plans: readonly ServicePortPlan[], config: IpvsConfig): FamilyRules {
  const members = new SetMembers(config.family);
  for (const plan of plans) addMembers(plan, config, members);
  return {
    addresses: [...new Set(plans.flatMap((plan) => carriedAddresses(plan, config)))],
    sets: members.sets(),
    servers: withoutRepeats(plans.flatMap((plan) => virtualServers(plan, config))),
    updates: ipvsUpdates(plans, config, members),
  };
}

/** The rules of one family as values. */
export function ipvsRuleset(
  plans: readonly ServicePortPlan[],
  config: ProxyConfig,
): {
  readonly iptables: readonly Table[];
  readonly ipsets: readonly IpSet[];
  readonly virtualServers: readonly VirtualServer[];
  readonly addresses: readonly string[];
} {
  const { addresses, sets, servers, updates } = familyRules(plans, ipvsConfigOf(config));
  return { iptables: wholeTables(updates, ipvsJumps), ipsets: sets, virtualServers: servers, addresses };
}

/** The documents one after another, each after a comment line that names its loader. */
export function ipvsDocuments(families: readonly FamilyPlans[]): string {
  const rulesets = families.map(({ plans, config }) => ({ config, ...ipvsRuleset(plans, config) }));
  const addresses = rulesets.flatMap((ruleset) => ruleset.addresses);
  const sets = rulesets.flatMap(({ ipsets }) => ipsets.map(renderIpSet)).join('');
  const servers = rulesets.flatMap(({ virtualServers: all }) => all.map(renderVirtualServer)).join('');
  const tables = rulesets
    .map(({ config, iptables }) => {
      const loader = config.family === 'IPv4' ? 'iptables-restore' : 'ip6tables-restore';
      return `# ${loader}\n${iptables.map(renderTable).join('')}`;
    })
    .join('');
  return `# ip -batch\n${renderAddresses(ipvsDevice, addresses)}# ipset restore\n${sets}${tables}# ipvsadm --restore\n${servers}`;
}
