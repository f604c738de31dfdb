// Values by resource, found by the keys of its objects: on every write more than once.
import { registryPrefix, resourcePrefixOf } from './registry-keys.ts';

export class ByResource<T> {
  readonly #make: (prefix: string) => T;
  /** By what the keys of a resource start with. */
  readonly #values = new Map<string, T>();
  /** What was asked for last is mostly asked for next, and to see that costs less than to look up a text that was just cut off. */
  #last: { readonly prefix: string; readonly value: T } | undefined;

  /** `make`: the value of a resource that is new here. */
  constructor(make: (prefix: string) => T) {
    this.#make = make;
  }

  /** That of the resource whose keys start with the prefix. */
  at(prefix: string): T {
    let value = this.#values.get(prefix);
    if (value === undefined) {
      value = this.#make(prefix);
      this.#values.set(prefix, value);
    }
    return value;
  }

  /** That of the resource to which a key belongs. */
  of(key: string): T {
    if (this.#last !== undefined && key.startsWith(this.#last.prefix)) return this.#last.value;
    const prefix = resourcePrefixOf(key);
    const value = this.at(prefix);
    // What is no object's key may have a prefix that others have, too.
    if (prefix.length > registryPrefix.length) this.#last = { prefix, value };
    return value;
  }

  /** By prefix, in the order in which they came. */
  entries(): MapIterator<[prefix: string, value: T]> {
    return this.#values.entries();
  }

  values(): MapIterator<T> {
    return this.#values.values();
  }
}
