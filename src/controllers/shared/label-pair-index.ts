// Finds objects by one of their `key=value` pairs, so that matching pods and Services does not look at all of them.

/** Objects by namespace and pair. Pure bookkeeping: the owner tells it of each change. */
export class LabelPairIndex<T> {
  readonly #sets = new Map<string, Set<T>>();

  add(namespace: string, pairs: readonly string[], object: T): void {
    for (const pair of pairs) {
      const key = `${namespace}/${pair}`;
      const set = this.#sets.get(key) ?? new Set<T>();
      set.add(object);
      this.#sets.set(key, set);
    }
  }

  remove(namespace: string, pairs: readonly string[], object: T): void {
    for (const pair of pairs) {
      const key = `${namespace}/${pair}`;
      const set = this.#sets.get(key);
      set?.delete(object);
      if (set?.size === 0) this.#sets.delete(key);
    }
  }

  get(namespace: string, pair: string): ReadonlySet<T> {
    return this.#sets.get(`${namespace}/${pair}`) ?? new Set<T>();
  }
}

export function pairsOf(labels: Readonly<Record<string, string>> | undefined): string[] {
  return Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
}
