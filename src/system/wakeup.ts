// Lets one loop wait for something to do.
import type { Clock } from './clock.ts';

export class Wakeup {
  #pending = false;
  #end: (() => void) | undefined;

  /** Ends the wait; where nobody waits, the next one ends at once. */
  wake(): void {
    this.#pending = true;
    this.#end?.();
  }

  /** Takes back wake-ups that came while nobody waited: what they are of is looked at now. */
  forget(): void {
    this.#pending = false;
  }

  /** Resolves at the next wake-up, when the signal aborts, or after so many milliseconds. */
  async wait(signal: AbortSignal, time?: { readonly clock: Clock; readonly ms: number }): Promise<void> {
    if (!this.#pending && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const end = () => resolve();
      const timer = time?.clock.after(time.ms, end);
      this.#end = end;
      signal.addEventListener('abort', end, { once: true });
      await promise;
      // The signal outlives the wait by days.
      signal.removeEventListener('abort', end);
      timer?.cancel();
      this.#end = undefined;
    }
    this.#pending = false;
  }
}
