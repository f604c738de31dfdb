// The rules of a node as values, in any mode: what the backends bring to the kernel, for those who want to look at it.
import type { Ruleset } from '../netfilter/packet.ts';
import type { ProxyConfig } from './config.ts';
import { iptablesRuleset } from './iptables/ruleset.ts';
import { ipvsRuleset } from './ipvs/ruleset.ts';
import { nftablesRuleset } from './nftables/ruleset.ts';
import type { ServicePortPlan } from './plan.ts';
import type { ProxyMode } from './settings.ts';

/** Of one family; `plans` sorted by the names of their Services, as `config` is for the mode. */
export function rulesetOf(mode: ProxyMode, plans: readonly ServicePortPlan[], config: ProxyConfig): Ruleset {
  switch (mode) {
    case 'nftables':
      return { nftables: [nftablesRuleset(plans, config)] };
    case 'iptables':
      return { iptables: iptablesRuleset(plans, config) };
    case 'ipvs':
      return ipvsRuleset(plans, config);
  }
}
