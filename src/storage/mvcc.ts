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

/** An event with the state before, from which earlier revisions are worked out. */
export interface Change extends StorageEvent {
  readonly previous: KeyValue | undefined;
}

/** Looks a key up: the present state, or one with writes on top that are under way. */
export type Lookup = (key: string) => KeyValue | undefined;

/** Whether every comparison holds in the state that `lookup` shows. */
export function compareHolds(compare: Transaction['compare'], lookup: Lookup): boolean {
  return compare.every(({ key, modRevision }) => (lookup(key)?.modRevision ?? 0) === modRevision);
}

/** What a transaction would do at one revision. Deleting an absent key changes nothing. */
export function prepare(operations: readonly Operation[], revision: number, lookup: Lookup): Change[] {
  const changes: Change[] = [];
  for (const operation of operations) {
    const { type, key } = operation;
    const previous = lookup(key);
    if (type === 'put') {
      const current: KeyValue = {
        key,
        value: operation.value,
        createRevision: previous?.createRevision ?? revision,
        modRevision: revision,
        version: (previous?.version ?? 0) + 1,
      };
      changes.push({ type, key, revision, current, previous });
    } else if (previous) {
      changes.push({ type, key, revision, current: undefined, previous });
    }
  }
  return changes;
}

export class Mvcc {
  readonly #items = new Map<string, KeyValue>();
  readonly #keys = new SortedKeys();
  /** What is forgotten was compacted. */
  readonly #log = new WatchLog<Change>(0);
  #revision = 1;

  get revision(): number {
    return this.#revision;
  }

  get compactRevision(): number {
    return this.#log.forgottenRevision;
  }

  readonly lookup: Lookup = (key) => this.#items.get(key);

  /** Puts back what was stored, in the order of revisions. Only for a store that is being opened. */
  restore(events: Iterable<StorageEvent>, { revision, compacted }: { revision: number; compacted: number }): void {
    this.#log.forget(compacted);
    const logged: Change[] = [];
    for (const event of events) {
      const { key, current } = event;
      if (event.revision > compacted) logged.push({ ...event, previous: this.#items.get(key) });
      this.#set(key, current);
    }
    this.#keys.reset(this.#items.keys());
    this.#revision = Math.max(this.#revision, revision);
    this.#log.append(logged, this.#revision);
  }

  /** Makes the changes of a transaction the present and tells the watchers. */
  apply(changes: readonly Change[], revision: number): void {
    for (const { key, previous, current } of changes) {
      if (!previous && current) this.#keys.add(key);
      if (previous && !current) this.#keys.delete(key);
      this.#set(key, current);
    }
    this.#revision = revision;
    this.#log.append(changes, revision);
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
    for (const { key, type, previous, revision: at } of this.#log.events) {
      if (at > revision) break;
      // A key that one transaction wrote twice has both rows at one revision: they go with the next write.
      if (previous && previous.modRevision !== at) rows.push([previous.modRevision, key]);
      if (type === 'delete') rows.push([at, key]);
    }
    return rows;
  }

  compact(revision: number): void {
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision <= this.compactRevision) throw new CompactedError(this.compactRevision);
    this.#log.forget(revision);
  }

  #set(key: string, current: KeyValue | undefined): void {
    if (current) this.#items.set(key, current);
    else this.#items.delete(key);
  }

  /** What the keys under a prefix were at an earlier revision, where they differ from now. */
  #undo(prefix: string, revision: number): Map<string, KeyValue | undefined> {
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision < this.compactRevision) throw new CompactedError(this.compactRevision);
    const undone = new Map<string, KeyValue | undefined>();
    const { events } = this.#log;
    const first = this.#log.indexAfter(revision);
    for (let index = events.length - 1; index >= first; index--) {
      const { key, previous } = events[index]!;
      if (key.startsWith(prefix)) undone.set(key, previous);
    }
    return undone;
  }

  #keysAt(prefix: string, undone: ReadonlyMap<string, unknown>): string[] {
    return [...new Set([...this.#keys.startingWith(prefix), ...undone.keys()])].sort();
  }
}
