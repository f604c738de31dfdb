/** Iterates over what is only to be had when the first value is asked for; from then on nothing stands between. */
export class LateIterator<T> implements AsyncIterator<T> {
  readonly #open: () => Promise<AsyncIterable<T>>;
  #iterator: AsyncIterator<T> | undefined;

  constructor(open: () => Promise<AsyncIterable<T>>) {
    this.#open = open;
  }

  next(): Promise<IteratorResult<T>> {
    return this.#iterator?.next() ?? this.#first();
  }

  async #first(): Promise<IteratorResult<T>> {
    const values = await this.#open();
    this.#iterator = values[Symbol.asyncIterator]();
    return this.#iterator.next();
  }

  async return(): Promise<IteratorResult<T>> {
    await this.#iterator?.return?.();
    return { done: true, value: undefined };
  }
}
