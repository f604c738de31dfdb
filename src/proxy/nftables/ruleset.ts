// The whole table of one family, from plans.
import { renderTransaction } from '../../nftables/render.ts';
import type { Table } from '../../nftables/ruleset.ts';
import type { ProxyConfig } from '../config.ts';
import { ownerOf } from '../owner.ts';
import type { ServicePortPlan } from '../plan.ts';
import { NftablesState } from './state.ts';

function stateOf(plans: readonly ServicePortPlan[], config: ProxyConfig): NftablesState {
  const state = new NftablesState(config);
  for (const plan of plans) state.set(ownerOf(plan.servicePort), plan);
  return state;
}

/** The table that the plans ask for. The order of endpoints and elements is that of the plans. */
export function nftablesRuleset(plans: readonly ServicePortPlan[], config: ProxyConfig): Table {
  return stateOf(plans, config).table();
}

/** A script for `nft -f` that puts the table in place of an earlier one, in one step. */
export function nftablesScript(plans: readonly ServicePortPlan[], config: ProxyConfig): string {
  return renderTransaction(stateOf(plans, config).takeAll());
}
