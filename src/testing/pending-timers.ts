// Callbacks by the time at which they come due: thousands of pods may wait.
import { Heap } from '../apimachinery/heap.ts';

export interface Pending {
  readonly due: number;
  readonly callback: () => void;
}

interface Entry extends Pending {
  /** Of those due at one moment the first added comes first. */
  readonly order: number;
  isCancelled: boolean;
}

export class PendingTimers {
  #heap = new Heap<Entry>(isBefore);
  #order = 0;
  #cancelled = 0;

  /** Those that wait. */
  get size(): number {
    return this.#heap.size - this.#cancelled;
  }

  add(due: number, callback: () => void): Pending {
    const entry = { due, callback, order: this.#order, isCancelled: false };
    this.#order += 1;
    this.#heap.push(entry);
    return entry;
  }

  /** The first that comes due, if it does until then; it stays until it is cancelled. */
  next(until = Number.POSITIVE_INFINITY): Pending | undefined {
    while (this.#heap.first?.isCancelled) {
      this.#heap.shift();
      this.#cancelled -= 1;
    }
    const { first } = this.#heap;
    return first && first.due <= until ? first : undefined;
  }

  cancel(pending: Pending): void {
    const entry = pending as Entry;
    if (entry.isCancelled) return;
    entry.isCancelled = true;
    this.#cancelled += 1;
    // Cancelled ones lie in the heap until they come to its top; they must not become most of it.
    if (this.#cancelled <= 1000 || this.#cancelled <= this.#heap.size / 2) return;
    this.#heap.retain((one) => !one.isCancelled);
    this.#cancelled = 0;
  }

  clear(): void {
    this.#heap = new Heap(isBefore);
    this.#cancelled = 0;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.due === b.due ? a.order < b.order : a.due < b.due;
}
