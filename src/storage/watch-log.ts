// Recent events in order, and those who follow them. Any number of watchers read one log, each from its own position.
import { CompactedError, type StorageEvent, type WatchBatch, type WatchRequest } from './storage.ts';

/** Events that a watch is told of in one batch, at the most; but never less than a whole revision. */
const mostTogether = 500;

export class WatchLog<E extends StorageEvent = StorageEvent> {
  /** One behind the other, however they came: there is one for each of the last minutes' writes, and each should be all that it costs. */
  readonly #events: E[] = [];
  #forgotten: number;
  #reached: number;
  /** Made when somebody begins to wait. */
  #wake: PromiseWithResolvers<void> | undefined;

  /** The log of what happens after `revision`. */
  constructor(revision: number) {
    this.#forgotten = revision;
    this.#reached = revision;
  }

  /** Oldest first. */
  get events(): readonly E[] {
    return this.#events;
  }

  /** Up to where nothing is kept. */
  get forgottenRevision(): number {
    return this.#forgotten;
  }

  /** Whether everything after this revision is here, or still to come. */
  covers(revision: number): boolean {
    return revision >= this.#forgotten;
  }

  /** Takes in what happened up to a revision: whole revisions in order, and nothing where none of them is told of here. */
  append(events: readonly E[], revision: number): void {
    for (const event of events) this.#events.push(event);
    this.#reached = revision;
    this.#wakeAll();
  }

  /** Drops the events up to this revision; who has not read them yet is told so. */
  forget(revision: number): void {
    this.#forgotten = Math.max(this.#forgotten, revision);
    this.#events.splice(0, this.indexAfter(revision));
    this.#wakeAll();
  }

  /** The index of the first event after the revision. */
  indexAfter(revision: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** As {@link Storage.watch}: CompactedError when what follows the position was forgotten. */
  async *watch({ prefix, afterRevision, signal }: WatchRequest): AsyncGenerator<WatchBatch> {
    let reached = afterRevision;
    // An abort wakes every watch, and the others go on waiting: racing each wake against a promise of the signal's would
    // leave a reaction on that one for every write, for as long as the watch lives.
    const onAbort = () => this.#wakeAll();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (!this.covers(reached)) throw new CompactedError(this.#forgotten);
        if (this.#reached <= reached) {
          this.#wake ??= Promise.withResolvers();
          await this.#wake.promise;
          continue;
        }
        const batch = this.#after(reached);
        yield selected(batch, prefix, reached);
        reached = batch.revision;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Whole revisions, where there is more than was reached. */
  #after(reached: number): WatchBatch {
    const events = this.#events;
    const first = this.indexAfter(reached);
    if (events.length - first <= mostTogether) return { revision: this.#reached, events: events.slice(first) };
    const { revision } = events[first + mostTogether - 1]!;
    return { revision, events: events.slice(first, this.indexAfter(revision)) };
  }

  #wakeAll(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }
}

/** What of a batch is below a prefix and after a revision. */
export function selected({ revision, events }: WatchBatch, prefix: string, after: number): WatchBatch {
  return { revision, events: events.filter((event) => event.revision > after && event.key.startsWith(prefix)) };
}
