// The state of an embedded store, in memory: current keys in order, and the log of recent writes from which earlier
// revisions and watches are served. It decides; whoever owns it makes the writes durable first.
import { SortedKeys } from './sorted-keys.ts';
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type Operation,
  type RangeRequest,
  type RangeResult,
  type StorageEvent,
  type Transaction,
  type WatchBatch,
  type WatchRequest,
} from './storage.ts';

/** What a transaction would do: the states after each operation, with undefined for a key that is gone. */
export interface PreparedTransaction {
  readonly revision: number;
  readonly changes: readonly Change[];
}

export interface Change {
  readonly key: string;
  readonly previous: KeyValue | undefined;
  readonly current: KeyValue | undefined;
}

/** Looks a key up: the present state, or one with writes on top that are under way. */
export type Lookup = (key: string) => KeyValue | undefined;

/** Whether every comparison holds in the state that `lookup` shows. */
export function compareHolds(compare: Transaction['compare'], lookup: Lookup): boolean {
  return compare.every(({ key, modRevision }) => (lookup(key)?.modRevision ?? 0) === modRevision);
}

/** Works out the new states of all operations at one revision. Deleting an absent key changes nothing. */
export function prepare(operations: readonly Operation[], revision: number, lookup: Lookup): PreparedTransaction {
  const changes: Change[] = [];
  for (const operation of operations) {
    const { key } = operation;
    const previous = lookup(key);
    if (operation.type === 'put') {
      const current: KeyValue = {
        key,
        value: operation.value,
        createRevision: previous?.createRevision ?? revision,
        modRevision: revision,
        version: (previous?.version ?? 0) + 1,
      };
      changes.push({ key, previous, current });
    } else if (previous) {
      changes.push({ key, previous, current: undefined });
    }
  }
  return { revision, changes };
}

export class Mvcc {
  readonly #items = new Map<string, KeyValue>();
  readonly #keys = new SortedKeys();
  /** Batches after the compacted revision, one per revision, oldest first. */
  readonly #log: WatchBatch[] = [];
  #revision = 1;
  #compacted = 0;
  #wake = Promise.withResolvers<void>();

  get revision(): number {
    return this.#revision;
  }

  get compactRevision(): number {
    return this.#compacted;
  }

  readonly lookup: Lookup = (key) => this.#items.get(key);

  /** Puts back what was stored: rows in the order of their revisions. Only for a store that is being opened. */
  restore(changes: Iterable<PreparedTransaction>, position: { revision: number; compacted: number }): void {
    this.#compacted = position.compacted;
    for (const transaction of changes) {
      this.#apply(transaction, transaction.revision > position.compacted);
    }
    this.#keys.reset(this.#items.keys());
    this.#revision = Math.max(this.#revision, position.revision);
  }

  /** Makes a prepared transaction the present and tells the watchers. */
  apply(transaction: PreparedTransaction): void {
    for (const { key, previous, current } of transaction.changes) {
      if (!previous && current) this.#keys.add(key);
      if (previous && !current) this.#keys.delete(key);
    }
    this.#apply(transaction, true);
    this.#wakeAll();
  }

  get(key: string, revision?: number): KeyValue | undefined {
    if (revision === undefined || revision === this.#revision) return this.#items.get(key);
    const undone = this.#undo(key, revision);
    return undone.has(key) ? undone.get(key) : this.#items.get(key);
  }

  range(request: RangeRequest): RangeResult {
    const { prefix, after, limit = 0 } = request;
    const revision = request.revision ?? this.#revision;
    const undone = revision === this.#revision ? undefined : this.#undo(prefix, revision);
    const keys = undone ? this.#keysAt(prefix, undone) : this.#keys.startingWith(prefix);
    const items: KeyValue[] = [];
    let count = 0;
    for (const key of keys) {
      if (after !== undefined && key <= after) continue;
      const item = undone?.has(key) ? undone.get(key) : this.#items.get(key);
      if (!item) continue;
      count += 1;
      if (limit === 0 || count <= limit) items.push(item);
    }
    return { items, count, revision };
  }

  /** Follows the log from a position. A batch that holds nothing for the prefix still tells the revision reached. */
  async *watch({ prefix, afterRevision, signal }: WatchRequest): AsyncGenerator<WatchBatch> {
    let reached = afterRevision;
    // An abort wakes every watch, and the others go on waiting: racing each wake against a promise of the signal's would
    // leave a reaction on that one for every write, for as long as the watch lives.
    const onAbort = () => this.#wakeAll();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (reached < this.#compacted) throw new CompactedError(this.#compacted);
        const wake = this.#wake.promise;
        const index = this.#logIndexAfter(reached);
        if (index === this.#log.length) {
          await wake;
          continue;
        }
        const batch = this.#log[index]!;
        reached = batch.revision;
        const events = batch.events.filter((event) => event.key.startsWith(prefix));
        yield { revision: batch.revision, events };
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The writes that nobody can ask for any more once `revision` is compacted, as [revision, key]. */
  superseded(revision: number): [number, string][] {
    const rows: [number, string][] = [];
    for (const batch of this.#log) {
      if (batch.revision > revision) break;
      for (const { key, type, previous } of batch.events) {
        // A key that one transaction writes twice has both rows at one revision: they go with the next write.
        if (previous && previous.modRevision !== batch.revision) rows.push([previous.modRevision, key]);
        if (type === 'delete') rows.push([batch.revision, key]);
      }
    }
    return rows;
  }

  compact(revision: number): void {
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision <= this.#compacted) throw new CompactedError(this.#compacted);
    this.#compacted = revision;
    this.#log.splice(0, this.#logIndexAfter(revision));
    this.#wakeAll();
  }

  #wakeAll(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  #apply({ revision, changes }: PreparedTransaction, logged: boolean): void {
    const events: StorageEvent[] = [];
    for (const { key, current } of changes) {
      const previous = this.#items.get(key);
      if (current) this.#items.set(key, current);
      else this.#items.delete(key);
      events.push({ type: current ? 'put' : 'delete', key, revision, current, previous });
    }
    this.#revision = revision;
    if (logged) this.#log.push({ revision, events });
  }

  /** What the keys under a prefix were at an earlier revision, where they differ from now. */
  #undo(prefix: string, revision: number): Map<string, KeyValue | undefined> {
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision < this.#compacted) throw new CompactedError(this.#compacted);
    const undone = new Map<string, KeyValue | undefined>();
    const first = this.#logIndexAfter(revision);
    for (let index = this.#log.length - 1; index >= first; index--) {
      for (const event of this.#log[index]!.events) {
        if (event.key.startsWith(prefix)) undone.set(event.key, event.previous);
      }
    }
    return undone;
  }

  #keysAt(prefix: string, undone: ReadonlyMap<string, unknown>): string[] {
    return [...new Set([...this.#keys.startingWith(prefix), ...undone.keys()])].sort();
  }

  #logIndexAfter(revision: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#log[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
