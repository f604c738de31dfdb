// A queue of keys with client-go's guarantees: a key waits at most once, is never worked on twice at a time, and comes
// back when it was added again meanwhile.
import type { Clock, Timer } from '../system/clock.ts';

/** Told of what happens in a queue, for whoever counts. */
export interface QueueObserver {
  /** A key waits that did not wait before. */
  added(key: unknown): void;
  begun(key: unknown): void;
  done(key: unknown): void;
  /** A key comes back after a failure. */
  retried(): void;
  /** The queue is shut down: nothing waits any more. */
  ended(): void;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Delay after the first failure, in milliseconds; doubles with each further one. Default 5. */
  readonly baseDelay?: number;
  /** Longest delay in milliseconds. Default 1,000,000 (client-go's 1000 s). */
  readonly maxDelay?: number;
  readonly observer?: QueueObserver | undefined;
}

interface Delayed {
  readonly due: number;
  readonly timer: Timer;
}

export class WorkQueue<K = string> {
  readonly #clock: Clock;
  readonly #baseDelay: number;
  readonly #maxDelay: number;
  readonly #observer: QueueObserver | undefined;
  /** Waiting keys in their order; a Set keeps each once. */
  readonly #waiting = new Set<K>();
  readonly #processing = new Set<K>();
  /** Added while being worked on: they wait again when done. */
  readonly #again = new Set<K>();
  readonly #failures = new Map<K, number>();
  readonly #delayed = new Map<K, Delayed>();
  readonly #takers: ((key: K | undefined) => void)[] = [];
  #shutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#baseDelay = options.baseDelay ?? 5;
    this.#maxDelay = options.maxDelay ?? 1_000_000;
    this.#observer = options.observer;
  }

  /** Keys that wait, those with a delay not counted. */
  get length(): number {
    return this.#waiting.size;
  }

  add(key: K): void {
    if (this.#shutDown) return;
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#waiting.has(key)) return;
    this.#observer?.added(key);
    const taker = this.#takers.shift();
    if (taker) {
      this.#observer?.begun(key);
      this.#processing.add(key);
      taker(key);
    } else {
      this.#waiting.add(key);
    }
  }

  /** Adds after `ms` milliseconds; of several delays for a key the soonest counts. */
  addAfter(key: K, ms: number): void {
    if (this.#shutDown) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const due = this.#clock.monotonic() + ms;
    const present = this.#delayed.get(key);
    if (present && present.due <= due) return;
    present?.timer.cancel();
    const timer = this.#clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { due, timer });
  }

  /** Adds after the back-off that the key's failures have earned. */
  addRateLimited(key: K): void {
    this.#observer?.retried();
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(this.#baseDelay * 2 ** failures, this.#maxDelay));
  }

  /** The key succeeded: its next failure starts from the base delay. */
  forget(key: K): void {
    this.#failures.delete(key);
  }

  numRequeues(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, which must be given to {@link done} afterwards; undefined once the queue is shut down. */
  get(): Promise<K | undefined> {
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      this.#processing.add(key);
      this.#observer?.begun(key);
      return Promise.resolve(key);
    }
    if (this.#shutDown) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: K): void {
    this.#processing.delete(key);
    this.#observer?.done(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Refuses further keys, drops the waiting ones and lets every `get` return. */
  shutDown(): void {
    this.#shutDown = true;
    this.#observer?.ended();
    this.#waiting.clear();
    this.#again.clear();
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }
}
