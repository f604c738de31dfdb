import type { Clock } from '../clock.ts';

interface Pending {
  readonly due: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test advances it. */
export class FakeClock implements Clock {
  /** Of {@link monotonic}; the time of the wall is `#ahead` of it. */
  #now: number;
  #ahead = 0;
  #pending: Pending[] = [];
  #asked = Promise.withResolvers<void>();

  constructor(now = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now + this.#ahead;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Sets the time of the wall forward or back, as NTP does: nobody has waited for it. */
  step(ms: number): void {
    this.#ahead += ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const timer = this.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        reject(signal.reason);
      });
    });
  }

  after(ms: number, callback: () => void): { cancel(): void } {
    const entry: Pending = { due: this.#now + ms, callback };
    this.#pending.push(entry);
    this.#asked.resolve();
    this.#asked = Promise.withResolvers();
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((p) => p !== entry);
      },
    };
  }

  /** Resolves when somebody begins to wait for a time to come: what that one did before is done then. */
  nextWait(): Promise<void> {
    return this.#asked.promise;
  }

  /** Moves time forward, calling what comes due in its order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#pending.filter((p) => p.due <= until).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.#pending = this.#pending.filter((p) => p !== next);
      this.#now = Math.max(this.#now, next.due);
      next.callback();
    }
    this.#now = until;
  }
}
