import { compareHolds, Mvcc, prepare } from '../mvcc.ts';
import type {
  RangeRequest,
  RangeResult,
  Storage,
  Transaction,
  TransactionResult,
  WatchBatch,
  WatchRequest,
} from '../storage.ts';

/** Storage that lives as long as the process: for tests and for clusters inside a test. */
export class MemoryStorage implements Storage {
  readonly #state = new Mvcc();

  async get(key: string, revision?: number) {
    return { item: this.#state.get(key, revision), revision: revision ?? this.#state.revision };
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    return this.#state.range(request);
  }

  async transact({ compare, operations }: Transaction): Promise<TransactionResult> {
    const { lookup, revision } = this.#state;
    if (!compareHolds(compare, lookup)) {
      return { succeeded: false, revision, current: compare.map(({ key }) => lookup(key)) };
    }
    const changes = prepare(operations, revision + 1, lookup);
    if (changes.length === 0) return { succeeded: true, revision };
    this.#state.apply(changes, revision + 1);
    return { succeeded: true, revision: revision + 1 };
  }

  watch(request: WatchRequest): AsyncIterable<WatchBatch> {
    return this.#state.watch(request);
  }

  async compact(revision: number): Promise<void> {
    this.#state.compact(revision);
  }

  currentRevision(): number {
    return this.#state.revision;
  }

  async close(): Promise<void> {}
}
