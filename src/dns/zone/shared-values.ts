/** Values of which a cluster has few different ones, as lists of ports: each is kept once, up to a thousand. */
export class SharedValues<T> {
  readonly #values = new Map<string, T>();

  /** The value that is kept, equal to the one given. */
  of(value: T): T {
    const key = JSON.stringify(value);
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    if (this.#values.size < 1000) this.#values.set(key, value);
    return value;
  }
}
