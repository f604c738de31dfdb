// Who else writes to our chains, in the nft kind of iptables: the kernel tells of each chain and rule that is touched, then of the
// generation that this made of the tables: one for each table that an iptables-restore writes.
import type { NftEvent } from '../../nftables/events.ts';
import { type Footprint, iptablesFootprint } from './footprint.ts';
import { chains } from './names.ts';

const tables: ReadonlySet<string> = new Set(['nat', 'filter', 'mangle']);

const builtIn = /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/;

/** What of a mode an event is about: `jump` when one to its chains went, `chain` when something of such a chain came or went. */
export function touchOf(event: NftEvent, { isOwn }: Footprint): 'jump' | 'chain' | undefined {
  if ((event.kind !== 'chain' && event.kind !== 'rule') || !tables.has(event.table)) return undefined;
  const { verb, table, chain } = event;
  if (!builtIn.test(chain)) return isOwn(table, chain) ? 'chain' : undefined;
  const went = event.kind === 'rule' && verb === 'delete' && event.jumps.some((jump) => isOwn(table, jump));
  return went ? 'jump' : undefined;
}

/** Tells our transactions on our chains from those of others. */
export class Edits {
  #ours = 0;
  #touched = false;

  /** We are about to write so many tables; those in which nothing changes make no generation. */
  announce(tables: number): void {
    this.#ours += tables;
  }

  /** All that was announced was heard of, or never will be. */
  settle(): void {
    this.#ours = 0;
    this.#touched = false;
  }

  /** Takes in an event; true when it tells that someone else changed what is ours. */
  read(event: NftEvent): boolean {
    if (event.kind !== 'generation') return this.#readChange(event);
    const touched = this.#touched;
    this.#touched = false;
    if (!touched) return false;
    if (this.#ours === 0) return true;
    this.#ours -= 1;
    return false;
  }

  #readChange(event: NftEvent): boolean {
    const touch = touchOf(event, iptablesFootprint);
    this.#touched ||= touch === 'chain';
    // These we never do while we run.
    if (touch === 'jump') return true;
    return touch === 'chain' && event.kind === 'chain' && event.verb === 'delete' && event.chain === chains.canary;
  }
}
