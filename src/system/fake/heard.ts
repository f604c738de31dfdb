// What a test hears of, one after the other, and waits for without looking again and again.

export class Heard<T> {
  readonly #all: T[] = [];
  #next = Promise.withResolvers<void>();

  /** So far. */
  get all(): readonly T[] {
    return this.#all;
  }

  push(...those: readonly T[]): void {
    this.#all.push(...those);
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  /** Takes the first one away, waiting for it if there is none. */
  async shift(): Promise<T> {
    await this.until((all) => all.length > 0);
    return this.#all.shift()!;
  }

  /** Takes all of them away. */
  clear(): T[] {
    return this.#all.splice(0);
  }

  /** Resolves when they are as told; the test's own deadline is how long that may take. */
  async until(holds: (all: readonly T[]) => boolean): Promise<void> {
    while (!holds(this.#all)) await this.#next.promise;
  }
}
