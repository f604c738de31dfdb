/**
 * A question whose answer must be as new as the asking, asked once for all who wait: whoever comes while it is being
 * asked shares the next asking, because the present one may have been answered already.
 */
export class Coalesced<T> {
  readonly #question: () => Promise<T>;
  #asked: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(question: () => Promise<T>) {
    this.#question = question;
  }

  ask(): Promise<T> {
    if (!this.#asked) return this.#start();
    this.#next ??= this.#asked.then(
      () => this.#startNext(),
      () => this.#startNext(),
    );
    return this.#next;
  }

  #startNext(): Promise<T> {
    this.#next = undefined;
    return this.#start();
  }

  #start(): Promise<T> {
    const asked = this.#question().finally(() => {
      if (this.#asked === asked) this.#asked = undefined;
    });
    this.#asked = asked;
    return asked;
  }
}
