// Who else writes to our chains, in the nft kind of iptables: the kernel tells of each chain and rule that is touched, then of the
// generation that this made of the tables: one for each table that an iptables-restore writes.
import type { NftEvent } from '../../nftables/events.ts';
import { chains, isServiceChain } from './names.ts';

const constant: ReadonlySet<string> = new Set(Object.values(chains));

const tables: ReadonlySet<string> = new Set(['nat', 'filter', 'mangle']);

const builtIn = /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/;

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
    if (event.kind === 'chain' || event.kind === 'rule') return this.#readChange(event);
    if (event.kind !== 'generation') return false;
    const touched = this.#touched;
    this.#touched = false;
    if (!touched) return false;
    if (this.#ours === 0) return true;
    this.#ours -= 1;
    return false;
  }

  #readChange(event: Extract<NftEvent, { kind: 'chain' | 'rule' }>): boolean {
    const { kind, verb, table, chain } = event;
    if (!tables.has(table)) return false;
    // These we never do while we run.
    if (kind === 'chain' && verb === 'delete' && chain === chains.canary) return true;
    if (builtIn.test(chain)) {
      return kind === 'rule' && verb === 'delete' && event.jumps.some((jump) => jump.startsWith('KUBE-'));
    }
    this.#touched ||= constant.has(chain) || isServiceChain(chain);
    return false;
  }
}
