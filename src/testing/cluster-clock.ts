// The time that a cluster in a test lives by: it runs as the real one does, or stands still, and is moved by hand.
import type { Clock, Timer } from '../system/clock.ts';
import { type Pending, PendingTimers } from './pending-timers.ts';

/** What a test does with its cluster's time. */
export interface TestClock {
  /** The cluster's time, in milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Moves time forward by `ms` milliseconds. What comes due on the way is done in its order, each step to its end before the
   * next, as far as it is done by the cluster itself: clients outside the process are not waited for.
   */
  advance(ms: number): Promise<void>;
}

/** So many turns of the event loop in which nobody asks for the time: the cluster waits for time, or for a client. */
const quietTurns = 15;
/** setTimeout's longest wait in milliseconds. */
const longestWait = 2 ** 31 - 1;

export interface ClusterClockOptions {
  /** Measures how time passes between two moves. */
  readonly real: Clock;
  /** Time passes only by {@link ClusterClock.advance}. */
  readonly stands: boolean;
}

export class ClusterClock implements Clock, TestClock {
  readonly #real: Clock;
  readonly #stands: boolean;
  readonly #timers = new PendingTimers();
  /** The cluster's time, as it was when the real clock's `monotonic` said `#since`; undefined while it stands. */
  #time: number;
  #since: number | undefined;
  #wake: { readonly due: number; readonly timer: Timer } | undefined;
  #isStopped = false;
  #isMoving = false;
  /** Whoever works asks for the time, so that a turn without questions is one without work. */
  #questions = 0;
  #moving: Promise<void> = Promise.resolve();

  constructor({ real, stands }: ClusterClockOptions) {
    this.#real = real;
    this.#stands = stands;
    this.#time = real.now();
    this.#since = stands ? undefined : real.monotonic();
  }

  now(): number {
    this.#questions += 1;
    return this.#present();
  }

  /** Nobody sets this clock back. */
  monotonic(): number {
    return this.now();
  }

  after(ms: number, callback: () => void): Timer {
    this.#questions += 1;
    if (this.#isStopped) return { cancel() {} };
    const pending = this.#timers.add(this.#present() + Math.max(0, ms), callback);
    this.#arm();
    return {
      cancel: () => {
        this.#timers.cancel(pending);
        if (this.#timers.size === 0) this.#disarm();
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Moves that are asked for meanwhile follow one after another. */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY))
      throw new RangeError(`time moves forward only: ${ms} is no number of milliseconds`);
    const moved = this.#moving.then(() => this.#move(ms));
    this.#moving = moved;
    return moved;
  }

  /** Resolves once the cluster has nothing to do but to wait for time or for a client. */
  async settled(): Promise<void> {
    let quiet = 0;
    while (quiet < quietTurns) {
      const before = this.#questions;
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = this.#questions === before ? quiet + 1 : 0;
    }
  }

  /** Forgets all that waits for time. */
  stop(): void {
    this.#isStopped = true;
    this.#timers.clear();
    this.#disarm();
  }

  #present(): number {
    if (this.#since === undefined) return this.#time;
    return this.#time + Math.floor(this.#real.monotonic() - this.#since);
  }

  async #move(ms: number): Promise<void> {
    await this.settled();
    this.#isMoving = true;
    this.#disarm();
    this.#time = this.#present();
    this.#since = undefined;
    const until = this.#time + ms;
    for (let next = this.#timers.next(until); next; next = this.#timers.next(until)) {
      this.#time = Math.max(this.#time, next.due);
      this.#fire(next);
      await this.settled();
    }
    this.#time = until;
    if (!this.#stands) this.#since = this.#real.monotonic();
    this.#isMoving = false;
    this.#arm();
  }

  /** What is due at one moment comes together. */
  #fire(first: Pending): void {
    for (let next: Pending | undefined = first; next; next = this.#timers.next(first.due)) {
      this.#timers.cancel(next);
      next.callback();
    }
  }

  /** One real timer waits for the first that comes due; while time stands, only for what is due already. */
  #arm(): void {
    const next = this.#timers.next();
    if (!next || this.#isMoving || this.#isStopped) return;
    const wait = Math.max(0, next.due - this.#present());
    if (this.#since === undefined && wait > 0) return;
    if (this.#wake && this.#wake.due <= next.due) return;
    this.#disarm();
    this.#wake = { due: next.due, timer: this.#real.after(Math.min(wait, longestWait), () => this.#due()) };
  }

  #disarm(): void {
    this.#wake?.timer.cancel();
    this.#wake = undefined;
  }

  #due(): void {
    this.#wake = undefined;
    const next = this.#timers.next(this.#present());
    if (next) this.#fire(next);
    this.#arm();
  }
}
