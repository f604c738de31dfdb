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
import { WatchLog } from './watch-log.ts';

/** With the state before, from which earlier revisions are worked out. */
interface LoggedEvent extends StorageEvent {
  readonly previous: KeyValue | undefined;
}

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
  /** One batch per revision; what is forgotten was compacted. */
  readonly #log = new WatchLog<LoggedEvent>(0);
  #revision = 1;

  get revision(): number {
    return this.#revision;
  }

  get compactRevision(): number {
    return this.#log.forgottenRevision;
  }

  readonly lookup: Lookup = (key) => this.#items.get(key);

  /** Puts back what was stored: rows in the order of their revisions. Only for a store that is being opened. */
  restore(changes: Iterable<PreparedTransaction>, position: { revision: number; compacted: number }): void {
    this.#log.forget(position.compacted);
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

  /** A batch that holds nothing for the prefix still tells the revision reached. */
  watch(request: WatchRequest): AsyncGenerator<WatchBatch> {
    return this.#log.watch(request);
  }

  /** The writes that nobody can ask for any more once `revision` is compacted, as [revision, key]. */
  superseded(revision: number): [number, string][] {
    const rows: [number, string][] = [];
    for (const batch of this.#log.batches) {
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
    if (revision <= this.compactRevision) throw new CompactedError(this.compactRevision);
    this.#log.forget(revision);
  }

  #apply({ revision, changes }: PreparedTransaction, logged: boolean): void {
    // Made by map, it holds no room for more: there is one for each of the last minutes' writes.
    const events = changes.map(({ key, current }): LoggedEvent => {
      const previous = this.#items.get(key);
      if (current) this.#items.set(key, current);
      else this.#items.delete(key);
      return { type: current ? 'put' : 'delete', key, revision, current, previous };
    });
    this.#revision = revision;
    if (logged) this.#log.append({ revision, events });
  }

  /** What the keys under a prefix were at an earlier revision, where they differ from now. */
  #undo(prefix: string, revision: number): Map<string, KeyValue | undefined> {
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision < this.compactRevision) throw new CompactedError(this.compactRevision);
    const undone = new Map<string, KeyValue | undefined>();
    const { batches } = this.#log;
    const first = this.#log.indexAfter(revision);
    for (let index = batches.length - 1; index >= first; index--) {
      for (const event of batches[index]!.events) {
        if (event.key.startsWith(prefix)) undone.set(event.key, event.previous);
      }
    }
    return undone;
  }

  #keysAt(prefix: string, undone: ReadonlyMap<string, unknown>): string[] {
    return [...new Set([...this.#keys.startingWith(prefix), ...undone.keys()])].sort();
  }
}
