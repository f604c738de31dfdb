// A binary heap: the next of many, in the logarithm of their number.

export class Heap<T> {
  readonly #isBefore: (a: T, b: T) => boolean;
  #items: T[] = [];

  /** What decides the order of two must not change while they are in here. */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The next one, which stays. */
  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    let i = this.#items.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = this.#items[parent]!;
      if (!this.#isBefore(item, above)) break;
      this.#items[i] = above;
      i = parent;
    }
    this.#items[i] = item;
  }

  /** Takes the next one out. */
  shift(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    const size = this.#items.length;
    if (last === undefined || size === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(this.#items[child + 1]!, this.#items[child]!)) child += 1;
      const below = this.#items[child]!;
      if (!this.#isBefore(below, last)) break;
      this.#items[i] = below;
      i = child;
    }
    this.#items[i] = last;
    return first;
  }

  /** Takes out those that are not as told. */
  retain(isKept: (item: T) => boolean): void {
    // A sorted array is a heap.
    this.#items = this.#items.filter(isKept).sort((a, b) => (this.#isBefore(a, b) ? -1 : 1));
  }
}
