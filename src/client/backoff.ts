// Waiting between tries at something that fails.
import type { Random } from '../system/random.ts';

export interface BackoffOptions {
  /** Milliseconds before the second try. */
  readonly base: number;
  /** Longest wait in milliseconds, before jitter. */
  readonly max: number;
  readonly random: Random;
}

/** Doubles the wait with each failure, up to a limit; each wait is spread over 0.5 to 1.5 times its length. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait now. */
  next(): number {
    const { base, max, random } = this.#options;
    const wait = Math.min(base * 2 ** this.#failures, max);
    this.#failures += 1;
    return wait / 2 + random.int(Math.max(1, Math.round(wait)));
  }

  reset(): void {
    this.#failures = 0;
  }
}
