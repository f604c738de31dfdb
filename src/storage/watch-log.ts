// Recent batches of events in order, and those who follow them. Any number of watchers read one log, each from its own
// position.
import { CompactedError, type StorageEvent, type WatchBatch, type WatchRequest } from './storage.ts';

export interface LogBatch<E extends StorageEvent> {
  readonly revision: number;
  readonly events: readonly E[];
}

/** Transactions that a watch is told of in one batch, at the most. */
const mostTogether = 500;

export class WatchLog<E extends StorageEvent = StorageEvent> {
  readonly #batches: LogBatch<E>[] = [];
  #forgotten: number;
  /** Made when somebody begins to wait. */
  #wake: PromiseWithResolvers<void> | undefined;

  /** The log of what happens after `revision`. */
  constructor(revision: number) {
    this.#forgotten = revision;
  }

  /** Batches, oldest first. */
  get batches(): readonly LogBatch<E>[] {
    return this.#batches;
  }

  /** Up to where nothing is kept. */
  get forgottenRevision(): number {
    return this.#forgotten;
  }

  /** Whether everything after this revision is here, or still to come. */
  covers(revision: number): boolean {
    return revision >= this.#forgotten;
  }

  append(batch: LogBatch<E>): void {
    this.#batches.push(batch);
    this.#wakeAll();
  }

  /** Drops the batches up to this revision; who has not read them yet is told so. */
  forget(revision: number): void {
    this.#forgotten = Math.max(this.#forgotten, revision);
    this.#batches.splice(0, this.indexAfter(revision));
    this.#wakeAll();
  }

  /** The index of the first batch that tells of something after the revision. */
  indexAfter(revision: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#batches[middle]!.revision <= revision) low = middle + 1;
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
        const next = this.indexAfter(reached);
        const together = this.#batches.slice(next, next + mostTogether);
        const last = together.at(-1);
        if (!last) {
          this.#wake ??= Promise.withResolvers();
          await this.#wake.promise;
          continue;
        }
        const { revision } = last;
        yield selected({ revision, events: together.flatMap(({ events }) => events) }, prefix, reached);
        reached = revision;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
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
