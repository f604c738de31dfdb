// Who else writes to the kernel: of each transaction the kernel tells what it touched, then that there is a new generation of all
// tables.
import type { ElementEvent, NftEvent } from '../../nftables/events.ts';
import { tableName } from './base.ts';

/** What a transaction of someone else did to our tables. */
export interface ForeignEdit {
  /** Chains, rules, sets or a whole table came or went. */
  readonly structure: boolean;
  readonly elements: readonly ElementEvent[];
}

/** Tells our transactions from those of others: each of ours is announced, and makes exactly one generation. */
export class Generations {
  #announced = 0;
  /** Whether the transaction that is being told of is ours; undefined before its first event. */
  #ours: boolean | undefined;
  #structure = false;
  #elements: ElementEvent[] = [];

  /** A transaction of ours is about to go to the kernel. */
  announce(): void {
    this.#announced += 1;
  }

  /** The announced transaction was refused, so that it makes no generation. */
  withdraw(): void {
    this.#announced = Math.max(0, this.#announced - 1);
  }

  /** The monitor listens from now on: what came before was not heard. */
  restart(): void {
    this.#announced = 0;
    this.#next();
  }

  /** The monitor ended: gives whether someone was heard to touch chains or rules of ours. */
  end(): 'edited' | 'unknown' {
    const edited = this.#structure && this.#ours === false;
    this.restart();
    return edited ? 'edited' : 'unknown';
  }

  /** Takes in an event; gives what someone else did to our tables when the event ends their transaction. */
  read(event: NftEvent): ForeignEdit | undefined {
    // What began before we wrote is not ours.
    this.#ours ??= this.#announced > 0;
    if (event.kind === 'generation') return this.#generation(this.#ours);
    if (event.table !== tableName || this.#ours) return undefined;
    if (event.kind === 'element') this.#elements.push(event);
    else this.#structure = true;
    return undefined;
  }

  #generation(ours: boolean): ForeignEdit | undefined {
    if (ours) this.#announced = Math.max(0, this.#announced - 1);
    const edit = { structure: this.#structure, elements: this.#elements };
    this.#next();
    return edit.structure || edit.elements.length > 0 ? edit : undefined;
  }

  #next(): void {
    this.#ours = undefined;
    this.#structure = false;
    this.#elements = [];
  }
}
