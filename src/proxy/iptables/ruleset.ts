// The whole tables of one family, from plans.
import { renderTable } from '../../iptables/render.ts';
import type { ProxyConfig } from '../config.ts';
import { ownerOf } from '../owner.ts';
import type { ServicePortPlan } from '../plan.ts';
import { IptablesState } from './state.ts';

/** A document for `iptables-restore` (or `ip6tables-restore`), with the jumps from the kernel's own chains. */
export function iptablesDocument(plans: readonly ServicePortPlan[], config: ProxyConfig): string {
  const state = new IptablesState(config);
  for (const plan of plans) state.set(ownerOf(plan.servicePort), plan);
  return state.tables().map(renderTable).join('');
}
