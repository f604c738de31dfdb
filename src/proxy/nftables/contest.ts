// Someone who undoes each repair of ours must not keep the machine busy.

/** So many repairs soon after one another are a contest. */
const mostRepairs = 20;

/** Then there is a rest; the same time without anything to repair ends the row. Milliseconds. */
const longRest = 60_000;

export class Contest {
  #row = 0;
  #last = 0;

  /** Something was found to repair; gives when the next such finding may be acted on. Both are times of a clock. */
  found(now: number): number {
    this.#row = now - this.#last < longRest ? this.#row + 1 : 1;
    this.#last = now;
    if (this.#row < mostRepairs) return now;
    this.#row = 0;
    return now + longRest;
  }
}
