// Who else writes to the kernel: each transaction makes one new generation of all tables, of which a monitor tells, and before it
// of the chains and rules that were touched, though not of elements.
import { tableName } from './base.ts';

/**
 * What a generation of someone else may have done to our table: `edited` its chains or rules for certain, or perhaps
 * elements, of which nothing is told.
 */
export type Suspicion = 'edited' | 'elements';

/** Tells our generations from those of others: each transaction of ours is announced, and makes exactly one. */
export class Generations {
  #ours = 0;
  #events = 0;
  #touched = false;

  /** A transaction of ours is about to go to the kernel. */
  announce(): void {
    this.#ours += 1;
  }

  /** The announced transaction was refused, so that it makes no generation. */
  withdraw(): void {
    this.#ours = Math.max(0, this.#ours - 1);
  }

  /** The monitor listens from now on: what came before was not heard. */
  restart(): void {
    this.#ours = 0;
    this.#events = 0;
    this.#touched = false;
  }

  /** The monitor ended, as it does at rules it cannot print and when it is told more than it can take in. */
  end(): Suspicion {
    const edited = this.#touched && this.#ours === 0;
    this.restart();
    return edited ? 'edited' : 'elements';
  }

  /** Takes in a line of the monitor; gives what is to be suspected when it ends a generation of someone else. */
  read(line: string): Suspicion | undefined {
    if (line.startsWith('NEWGEN:')) return this.#generation();
    this.#events += 1;
    this.#touched ||= line.includes(` ${tableName} `);
    return undefined;
  }

  #generation(): Suspicion | undefined {
    const touched = this.#touched;
    const events = this.#events;
    this.#touched = false;
    this.#events = 0;
    if (this.#ours > 0) {
      this.#ours -= 1;
      return undefined;
    }
    if (touched) return 'edited';
    // Who changes chains and rules of other tables has no business with our elements.
    return events === 0 ? 'elements' : undefined;
  }
}
