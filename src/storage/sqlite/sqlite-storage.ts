// The embedded store: everything current in memory, every write in SQLite before it is acknowledged. Writes that come
// while one commit is on its way share the next one.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { type Change, compareHolds, Mvcc, prepare } from '../mvcc.ts';
import type {
  KeyValue,
  RangeRequest,
  RangeResult,
  Storage,
  StorageEvent,
  Transaction,
  TransactionResult,
  WatchBatch,
  WatchRequest,
} from '../storage.ts';
import type { JournalContents, JournalRow } from './journal.ts';
import { packRows } from './packed-rows.ts';
import type { WriterReply, WriterRequest } from './writer.ts';

/** Rows that a compaction deletes in one commit. */
const compactedAtOnce = 2000;
/** Writes with which a commit starts at once. */
const worthACommit = 16;

interface PendingWrite {
  readonly changes: readonly Change[];
  readonly result: TransactionResult;
  readonly resolve: (result: TransactionResult) => void;
  readonly reject: (error: Error) => void;
}

export class SqliteStorage implements Storage {
  readonly #state: Mvcc;
  readonly #writer: Writer;
  /** Transactions that are decided but not on disk: the next ones are compared with their outcome. */
  readonly #ahead = new Map<string, { item: KeyValue | undefined; revision: number }>();
  #aheadRevision: number;
  #queue: PendingWrite[] = [];
  #flushing = false;
  /** Starts the commit that waits for more writes. */
  #startCommit = (): void => {};
  #flushed: Promise<void> = Promise.resolve();
  /** Resolves when the commit under way is over, whether it succeeded or not. */
  #committed = Promise.withResolvers<void>();
  #closed = false;

  private constructor(state: Mvcc, writer: Writer) {
    this.#state = state;
    this.#writer = writer;
    this.#aheadRevision = state.revision;
  }

  /** Opens or makes the file `path`. Rejects with a one-line message when it is in use, unreadable or of another layout. */
  static async open({ path }: { readonly path: string }): Promise<SqliteStorage> {
    mkdirSync(dirname(path), { recursive: true });
    const writer = new Writer(path);
    const contents = await writer.opened();
    const state = new Mvcc();
    state.restore(eventsOf(contents), contents);
    return new SqliteStorage(state, writer);
  }

  async get(key: string, revision?: number) {
    return { item: this.#state.get(key, revision), revision: revision ?? this.#state.revision };
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    return this.#state.range(request);
  }

  transact({ compare, operations }: Transaction): Promise<TransactionResult> {
    if (this.#closed) return Promise.reject(new Error('the store is closed'));
    const lookup = (key: string) => {
      const ahead = this.#ahead.get(key);
      return ahead ? ahead.item : this.#state.lookup(key);
    };
    if (!compareHolds(compare, lookup)) {
      if (compareHolds(compare, this.#state.lookup)) {
        // Only a write on its way to disk stands against it, and that one may still fail: nobody may act on it yet.
        return this.#committed.promise.then(() => this.transact({ compare, operations }));
      }
      const current = compare.map(({ key }) => this.#state.lookup(key));
      return Promise.resolve({ succeeded: false, revision: this.#state.revision, current });
    }
    const revision = this.#aheadRevision + 1;
    const changes = prepare(operations, revision, lookup);
    if (changes.length === 0) return Promise.resolve({ succeeded: true, revision: this.#state.revision });
    this.#aheadRevision = revision;
    for (const { key, current } of changes) this.#ahead.set(key, { item: current, revision });
    return new Promise((resolve, reject) => {
      this.#queue.push({ changes, result: { succeeded: true, revision }, resolve, reject });
      if (!this.#flushing) this.#flushed = this.#flush();
      else if (this.#queue.length === worthACommit) this.#startCommit();
    });
  }

  watch(request: WatchRequest): AsyncIterable<WatchBatch> {
    return this.#state.watch(request);
  }

  async compact(revision: number): Promise<void> {
    const superseded = this.#state.superseded(revision);
    this.#state.compact(revision);
    const position = { revision: this.#state.revision, compacted: revision };
    // In pieces, so that no write waits long; opening the file finishes what a crash interrupts.
    for (let start = 0; start === 0 || start < superseded.length; start += compactedAtOnce) {
      const piece = superseded.slice(start, start + compactedAtOnce);
      await this.#writer.send({ type: 'compact', superseded: piece, position });
    }
    while (!this.#closed && (await this.#writer.send({ type: 'shrink' })).more);
  }

  currentRevision(): number {
    return this.#state.revision;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushed;
    await this.#writer.send({ type: 'close' });
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    await this.#gathered();
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#writer.send({ type: 'append', rows: packRows(batch.flatMap(({ changes }) => changes.map(rowOf))) });
      } catch (error) {
        this.#fail([...batch, ...this.#queue], error as Error);
        this.#endCommit();
        continue;
      }
      for (const { changes, result, resolve } of batch) {
        this.#state.apply(changes, result.revision);
        this.#settle(changes, result.revision);
        resolve(result);
      }
      this.#endCommit();
    }
    this.#flushing = false;
  }

  /**
   * Requests that came at the same moment share the commit: else the first goes alone, and the others wait for it. But not more
   * of them than make it worthwhile: the others are worked on while it is under way, and go together with the next.
   */
  #gathered(): Promise<void> {
    return new Promise((resolve) => {
      this.#startCommit = resolve;
      setImmediate(resolve);
    });
  }

  #endCommit(): void {
    this.#committed.resolve();
    this.#committed = Promise.withResolvers();
  }

  /** Nothing of these is on disk, and what came later was decided on top of them: all of them fail. */
  #fail(pending: readonly PendingWrite[], error: Error): void {
    this.#queue = [];
    this.#ahead.clear();
    this.#aheadRevision = this.#state.revision;
    for (const { reject } of pending) reject(new Error(`the write was not stored: ${error.message}`, { cause: error }));
  }

  #settle(changes: readonly Change[], revision: number): void {
    for (const { key } of changes) {
      if (this.#ahead.get(key)?.revision === revision) this.#ahead.delete(key);
    }
  }
}

function rowOf({ revision, key, current }: Change): JournalRow {
  return [revision, key, current?.value ?? null, current?.createRevision ?? 0, current?.version ?? 0];
}

function* eventsOf({ rows }: JournalContents): Generator<StorageEvent> {
  for (const [revision, key, value, createRevision, version] of rows) {
    if (value === null) yield { type: 'delete', key, revision, current: undefined };
    else yield { type: 'put', key, revision, current: { key, value, createRevision, modRevision: revision, version } };
  }
}

/** The journal's thread: requests go out in order and are answered in order. */
class Writer {
  readonly #worker: Worker;
  readonly #waiting: ((reply: WriterReply) => void)[] = [];
  #failure: string | undefined;
  readonly #opened: Promise<WriterReply>;

  constructor(path: string) {
    const file = import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js';
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: { path }, execArgv: [] });
    this.#opened = this.#next();
    this.#worker.on('message', (reply: WriterReply) => this.#waiting.shift()?.(reply));
    this.#worker.on('error', (error) => this.#end(errorMessage(error)));
    this.#worker.on('exit', () => this.#end('the journal is closed'));
  }

  async opened(): Promise<JournalContents> {
    const reply = await this.#opened;
    if (reply.ok && reply.contents) return reply.contents;
    await this.#worker.terminate();
    throw new Error(reply.ok ? 'the journal is empty' : reply.message);
  }

  async send(request: WriterRequest): Promise<{ readonly more?: boolean }> {
    if (this.#failure !== undefined) throw new Error(this.#failure);
    const reply = this.#next();
    this.#worker.postMessage(request);
    const answer = await reply;
    if (!answer.ok) throw new Error(answer.message);
    return answer;
  }

  #next(): Promise<WriterReply> {
    const { promise, resolve } = Promise.withResolvers<WriterReply>();
    this.#waiting.push(resolve);
    return promise;
  }

  #end(message: string): void {
    // The first is the reason: after an error the thread ends, too.
    this.#failure ??= message;
    for (const answer of this.#waiting.splice(0)) answer({ ok: false, message });
  }
}
