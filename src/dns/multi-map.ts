/** Several values under a key, compact where there is one, as there mostly is: no Set is made before the second. */
export class MultiMap<Key extends string | number = string> {
  readonly #values = new Map<Key, string | Set<string>>();

  add(key: Key, value: string): void {
    const present = this.#values.get(key);
    if (present === undefined) this.#values.set(key, value);
    else if (typeof present !== 'string') present.add(value);
    else if (present !== value) this.#values.set(key, new Set([present, value]));
  }

  remove(key: Key, value: string): void {
    const present = this.#values.get(key);
    if (present === value) this.#values.delete(key);
    else if (present instanceof Set && present.delete(value) && present.size === 0) this.#values.delete(key);
  }

  /** The values of a key, in the order they were added. */
  get(key: Key): Iterable<string> {
    const present = this.#values.get(key);
    if (present === undefined) return [];
    return typeof present === 'string' ? [present] : present;
  }
}
