// Answers that hold for a while.
import { dropOldest } from '../../apimachinery/drop-oldest.ts';
import type { Clock } from '../../system/clock.ts';

/** Keeps at most `size` values, each for its own time; the one that was not asked for longest is forgotten first. */
export class ExpiringCache<T> {
  readonly #size: number;
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(size: number, clock: Clock) {
    this.#size = size;
    this.#clock = clock;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#clock.monotonic()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** `ttl` in milliseconds. */
  set(key: string, value: T, ttl: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.#clock.monotonic() + ttl });
    dropOldest(this.#entries, this.#size);
  }
}
