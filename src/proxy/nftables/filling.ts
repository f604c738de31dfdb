// The first tables of a proxy, written while they are still planned: nft reads what is there already.
import {
  renderRemoval,
  renderSet,
  renderTableEnd,
  renderTableStart,
  renderTransaction,
} from '../../nftables/render.ts';
import { tableComment, tableName } from './base.ts';
import type { NftablesState } from './state.ts';

/**
 * The script that writes the tables of states that are empty yet, in pieces; between them `planning` sets what they hold. The
 * first table's elements go into its block as they come, and its end comes when all is planned: a script that ends before is an
 * error to nft, and changes nothing.
 */
export function* fillingScript(states: readonly NftablesState[], planning: Iterable<void> = []): Iterable<string> {
  const [first, ...others] = states;
  if (!first) return;
  const where = { family: first.family, name: tableName, comment: tableComment };
  yield renderRemoval(where) + renderTableStart(where);
  first.startFilling();
  for (const _ of planning) yield freshElements(first);
  yield freshElements(first) + renderTableEnd(first.endFilling());
  const corrections = first.take();
  if (corrections) yield renderTransaction(corrections);
  for (const other of others) yield renderTransaction(other.takeAll());
}

function freshElements(state: NftablesState): string {
  return state
    .takeFresh()
    .map(([declaration, elements]) => renderSet(declaration, elements))
    .join('');
}
