// Callbacks by the time at which they come due: a binary heap, in which thousands of pods may wait.

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
  #heap: Entry[] = [];
  #order = 0;
  #cancelled = 0;

  /** Those that wait. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  add(due: number, callback: () => void): Pending {
    const entry = { due, callback, order: this.#order, isCancelled: false };
    this.#order += 1;
    let i = this.#heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(entry, this.#heap[parent]!)) break;
      this.#heap[i] = this.#heap[parent]!;
      i = parent;
    }
    this.#heap[i] = entry;
    return entry;
  }

  /** The first that comes due, if it does until then; it stays until it is cancelled. */
  next(until = Number.POSITIVE_INFINITY): Pending | undefined {
    while (this.#heap[0]?.isCancelled) {
      this.#removeFirst();
      this.#cancelled -= 1;
    }
    const [first] = this.#heap;
    return first && first.due <= until ? first : undefined;
  }

  cancel(pending: Pending): void {
    const entry = pending as Entry;
    if (entry.isCancelled) return;
    entry.isCancelled = true;
    this.#cancelled += 1;
    // Cancelled ones lie in the heap until they come to its top; they must not become most of it.
    if (this.#cancelled > 1000 && this.#cancelled > this.#heap.length / 2) this.#sweep();
  }

  clear(): void {
    this.#heap = [];
    this.#cancelled = 0;
  }

  #sweep(): void {
    // A sorted array is a heap.
    this.#heap = this.#heap.filter((one) => !one.isCancelled).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#cancelled = 0;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    const size = this.#heap.length;
    if (!last || size === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child += 1;
      if (!isBefore(this.#heap[child]!, last)) break;
      this.#heap[i] = this.#heap[child]!;
      i = child;
    }
    this.#heap[i] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.due === b.due ? a.order < b.order : a.due < b.due;
}
