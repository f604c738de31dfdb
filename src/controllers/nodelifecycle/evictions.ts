// Which silent nodes may drive their pods away, and when: one after the other, and not before it is known with how many
// others they fell silent.
import type { Node } from '../../api/core/v1/types.generated.ts';
import { type EvictionRates, evictionOf, type ZoneHealth, zoneOf } from './disruption.ts';
import { EvictionPace } from './eviction-pace.ts';
import { isEvicting } from './reconcile.ts';

/** Milliseconds in which nodes that fall silent with another become known, before any of them loses its pods. */
export const together = 1_000;

export class Evictions {
  readonly #health: ZoneHealth;
  readonly #rates: EvictionRates;
  readonly #pace = new EvictionPace();
  /** Nodes that drive their pods away: neither a view that is behind nor a conflict makes them wait again. */
  readonly #begun = new Set<string>();
  /** When it was told of nodes that they are silent. */
  readonly #told = new Map<string, number>();

  constructor(health: ZoneHealth, rates: EvictionRates) {
    this.#health = health;
    this.#rates = rates;
  }

  /** The node was just told of as silent. */
  tell(name: string, now: number): void {
    this.#told.set(name, now);
  }

  /** Whether the node became silent so short a time ago that others may follow. */
  isNews(name: string, now: number): boolean {
    return now - (this.#told.get(name) ?? Number.NEGATIVE_INFINITY) < together;
  }

  hasBegun(name: string): boolean {
    return this.#begun.has(name);
  }

  /** Asked of a node that is to be tainted: a yes counts as begun, and the next of its zone waits. */
  mayBegin(node: Readonly<Node>, now: number): boolean {
    const { name } = node.metadata;
    const eviction = evictionOf(node, this.#health, this.#rates);
    const begins =
      eviction.kind === 'limited' &&
      (this.#begun.has(name) ||
        isEvicting(node) ||
        (!this.isNews(name, now) && this.#pace.begins(zoneOf(node), eviction.rate, now)));
    if (begins) this.#begun.add(name);
    else this.#begun.delete(name);
    return begins;
  }

  /** The node is ready again. */
  end(name: string): void {
    this.#begun.delete(name);
  }

  forget(name: string): void {
    this.#begun.delete(name);
    this.#told.delete(name);
  }
}
