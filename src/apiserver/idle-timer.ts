// Whether a connection is used: one that nobody needs is let go of.
import type { Clock, Timer } from '../system/clock.ts';

interface IdleOptions {
  readonly clock: Clock;
  /** How long the first request may be in coming, in ms; as `idleMs` unless given. */
  readonly firstMs?: number;
  readonly idleMs: number;
  /** Called once. */
  readonly onIdle: () => void;
}

export class IdleTimer {
  #answering = 0;
  #isUsed = false;
  #timer: Timer;

  /** Calls back when nothing was asked and nothing answered for `idleMs`, or up to twice as long. */
  constructor({ clock, idleMs, firstMs = idleMs, onIdle }: IdleOptions) {
    const look = () => {
      if (!this.#isUsed && this.#answering === 0) {
        onIdle();
        return;
      }
      this.#isUsed = false;
      this.#timer = clock.after(idleMs, look);
    };
    this.#timer = clock.after(firstMs, look);
  }

  /** Something came. */
  use(): void {
    this.#isUsed = true;
  }

  /** A request did. */
  begin(): void {
    this.#answering += 1;
    this.use();
  }

  /** Its answer is made. */
  readonly end = (): void => {
    this.#answering -= 1;
  };

  cancel(): void {
    this.#timer.cancel();
  }
}
