// The whole tables of one family, from plans.
import { renderTable } from '../../iptables/render.ts';
import type { Table } from '../../iptables/ruleset.ts';
import type { ProxyConfig } from '../config.ts';
import { ownerOf } from '../owner.ts';
import type { ServicePortPlan } from '../plan.ts';
import { IptablesState } from './state.ts';

/** The tables that the plans ask for, with the jumps from the kernel's own chains. */
export function iptablesRuleset(plans: readonly ServicePortPlan[], config: ProxyConfig): Table[] {
  const state = new IptablesState(config);
  for (const plan of plans) state.set(ownerOf(plan.servicePort), plan);
  return state.tables();
}

/** A document for `iptables-restore` (or `ip6tables-restore`). */
export function iptablesDocument(plans: readonly ServicePortPlan[], config: ProxyConfig): string {
  return iptablesRuleset(plans, config).map(renderTable).join('');
}
