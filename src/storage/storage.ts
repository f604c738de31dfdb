// The contract of storage: etcd's semantics in a few verbs. One revision counts all writes; a transaction compares
// before it writes; ranges and watches can start at an earlier revision until that is compacted away.

/**
 * One key at one revision. Values are text: JSON documents in UTF-8. Keys are not empty, and without characters beyond the
 * Basic Multilingual Plane, of which implementations disagree on the order.
 */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** The revision at which the key came into being (again). */
  readonly createRevision: number;
  /** The revision of the last write to the key: an object's resourceVersion. */
  readonly modRevision: number;
  /** How often the key was written since it was created, from 1. */
  readonly version: number;
}

export interface RangeRequest {
  /** Keys that start with this text, in byte order. */
  readonly prefix: string;
  /** Only keys greater than this one: the position of a paged list. */
  readonly after?: string;
  /** At most this many; 0 or absent means all. */
  readonly limit?: number;
  /** The state as of this revision; absent means now. Fails with CompactedError or FutureRevisionError. */
  readonly revision?: number;
}

export interface RangeResult {
  readonly items: readonly KeyValue[];
  /** How many keys match, beyond the limit too. */
  readonly count: number;
  /** The revision the answer is true for. */
  readonly revision: number;
}

/** A condition on a key: its last write was at this revision; 0 means that there is no such key. */
export interface Compare {
  readonly key: string;
  readonly modRevision: number;
}

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'delete'; readonly key: string };

/** At most 128 operations, each on a key of its own: more is not taken everywhere. */
export interface Transaction {
  readonly compare: readonly Compare[];
  readonly operations: readonly Operation[];
}

/**
 * All operations of a transaction share one new revision. When a comparison fails nothing is written and the current
 * state of the compared keys comes back (undefined where there is none), so that the caller need not read again.
 */
export type TransactionResult =
  | { readonly succeeded: true; readonly revision: number }
  | { readonly succeeded: false; readonly revision: number; readonly current: readonly (KeyValue | undefined)[] };

export interface StorageEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  /** The revision of the write. */
  readonly revision: number;
  /** The state after a put; undefined after a delete. */
  readonly current: KeyValue | undefined;
}

export interface WatchRequest {
  readonly prefix: string;
  /** Events after this revision, without gaps. Fails with CompactedError when they are gone. */
  readonly afterRevision: number;
  readonly signal: AbortSignal;
}

/** Events of one or more whole revisions, in order; an empty batch tells that nothing happened up to `revision`. */
export interface WatchBatch {
  readonly revision: number;
  readonly events: readonly StorageEvent[];
}

export interface Storage {
  get(key: string, revision?: number): Promise<{ readonly item: KeyValue | undefined; readonly revision: number }>;
  range(request: RangeRequest): Promise<RangeResult>;
  /**
   * Resolves when the write is as durable as the store makes it: for the embedded one, synced to disk. When it rejects,
   * the write was not made, or (etcd's connection broke) nobody knows whether it was.
   */
  transact(transaction: Transaction): Promise<TransactionResult>;
  /** Ends when the signal aborts; throws CompactedError when it falls behind a compaction, and HistoryLostError. */
  watch(request: WatchRequest): AsyncIterable<WatchBatch>;
  /** Forgets what was superseded before `revision`; ranges and watches from before it fail from then on. */
  compact(revision: number): Promise<void>;
  /** The revision of the last write; of an empty store it is 1, as in etcd. At once where the store is in this process. */
  currentRevision(): Promise<number> | number;
  /** Whether a write would store the value otherwise than it is stored now, though it is the same. Absent: none would. */
  isStale?(key: string): boolean;
  close(): Promise<void>;
}

/** The wanted revision was compacted away; the API answers 410 Gone ("too old resource version"). */
export class CompactedError extends Error {
  readonly kind = 'compacted';
  readonly compactRevision: number;

  constructor(compactRevision: number) {
    super(`the required revision has been compacted; the oldest one kept is ${compactRevision}`);
    this.compactRevision = compactRevision;
  }
}

/** The wanted revision has not happened yet. */
export class FutureRevisionError extends Error {
  readonly kind = 'future-revision';
  readonly currentRevision: number;

  constructor(currentRevision: number) {
    super(`the required revision is a future revision; the current one is ${currentRevision}`);
    this.currentRevision = currentRevision;
  }
}

/** Storage holds an older state than it had acknowledged: whatever was read of it before is of another history. */
export class HistoryLostError extends Error {
  readonly kind = 'history-lost';
}

/** Storage takes no values, or transactions, of this size. */
export class TooLargeError extends Error {
  readonly kind = 'too-large';
}
