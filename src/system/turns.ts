/** Lets work be done one after the other, in the order in which it was given. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Begins when all that was given before is over, however it ended. Resolves and rejects as the work does. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn;
    return turn;
  }
}
