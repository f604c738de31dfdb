// The contract over etcd's v3 API. etcd decides everything; what is kept here is the tail of one watch, which all
// watchers of this process share.
import { errorMessage } from '../../apimachinery/error-message.ts';
import { GrpcError, grpcCode, type Method } from '../../grpc/client.ts';
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type RangeRequest,
  type RangeResult,
  type Storage,
  TooLargeError,
  type Transaction,
  type TransactionResult,
  type WatchBatch,
  type WatchRequest,
} from '../storage.ts';
import { selected, WatchLog } from '../watch-log.ts';
import { Coalesced } from './coalesced.ts';
import { type CallKind, Endpoints, type EtcdOptions, isUnavailable } from './endpoints.ts';
import { follow } from './follow.ts';
import { type Header, History } from './history.ts';
import { byteMethods, type EtcdMethods, methods, targetMod } from './messages.ts';

/** Milliseconds that etcd may take to answer at the start. */
const startPatience = 10_000;
/** Keys of the first page of a long range, and characters of text that a page should have. */
const firstPage = 200;
const pageText = 1 << 20;
/** Events that the shared tail keeps; who falls further behind watches on its own until it has caught up. */
const keptEvents = 4096;

/** The first key after those that start with the prefix: bytes of UTF-8 are in the order of the code points. */
function endOf(prefix: string): string {
  if (prefix === '') return '\0';
  const last = [...prefix].at(-1)!;
  return prefix.slice(0, -last.length) + String.fromCodePoint(last.codePointAt(0)! + 1);
}

export interface EtcdStorageOptions extends EtcdOptions {
  /** Values are bytes, one in each character, in place of texts. */
  readonly hasByteValues?: boolean;
}

export class EtcdStorage implements Storage {
  readonly #endpoints: Endpoints;
  readonly #methods: EtcdMethods;
  readonly #stop = new AbortController();
  readonly #history = new History();
  readonly #revision: Coalesced<number>;
  #tail: WatchLog | undefined;

  constructor(options: EtcdStorageOptions) {
    this.#endpoints = new Endpoints(options);
    this.#methods = options.hasByteValues ? byteMethods() : methods;
    this.#revision = new Coalesced(() => this.#readRevision());
  }

  /** Rejects with a one-line message when no member answers within ten seconds. */
  static async open(options: EtcdStorageOptions): Promise<EtcdStorage> {
    const storage = new EtcdStorage(options);
    try {
      await storage.#readRevision(startPatience);
    } catch (error) {
      await storage.close();
      const why = errorMessage(error);
      throw new Error(`etcd does not answer at ${options.endpoints.join(', ')}: ${why}`, { cause: error });
    }
    return storage;
  }

  async get(key: string, revision?: number) {
    const response = await this.#range({ key, revision: revision ?? 0 });
    return { item: response.kvs[0], revision: revision ?? response.revision };
  }

  async range({ prefix, after, limit = 0, revision }: RangeRequest): Promise<RangeResult> {
    const rangeEnd = endOf(prefix);
    const items: KeyValue[] = [];
    let key = after !== undefined && after >= prefix ? `${after}\0` : prefix || '\0';
    let at = revision;
    let count: number | undefined;
    for (let page = firstPage; ; ) {
      const wanted = limit === 0 ? page : Math.min(page, limit - items.length);
      const response = await this.#range({ key, rangeEnd, limit: wanted, revision: at ?? 0 });
      at ??= response.revision;
      count ??= response.count;
      for (const item of response.kvs) items.push(item);
      if (!response.more || items.length === limit) return { items, count, revision: at };
      key = `${items.at(-1)!.key}\0`;
      page = nextPage(response.kvs);
    }
  }

  async transact({ compare, operations }: Transaction): Promise<TransactionResult> {
    const request = {
      compare: compare.map(({ key, modRevision }) => ({ target: targetMod, key, modRevision })),
      success: operations.map((operation) =>
        operation.type === 'put'
          ? { put: { key: operation.key, value: operation.value } }
          : { deleteRange: { key: operation.key } },
      ),
      failure: compare.map(({ key }) => ({ range: { key } })),
    };
    const call = this.#ask(this.#methods.txn, request, { idempotent: false });
    const { header, succeeded, responses } = await call.catch((error: unknown) => {
      if (isTooLarge(error)) throw new TooLargeError('etcdserver: request is too large', { cause: error });
      if (!isUnavailable(error) || error.neverBegan) throw error;
      throw new Error(`nobody knows whether etcd made the write: ${error.message}`, { cause: error });
    });
    const revision = header?.revision ?? 0;
    if (succeeded) return { succeeded, revision };
    return { succeeded, revision, current: responses.map(({ range }) => range?.kvs[0]) };
  }

  async *watch({ prefix, afterRevision, signal }: WatchRequest): AsyncGenerator<WatchBatch> {
    const closing = AbortSignal.any([signal, this.#stop.signal]);
    let reached = afterRevision;
    let isBehind = false;
    while (!closing.aborted) {
      if (isBehind || !this.#sharedTail(reached).covers(reached)) {
        for await (const batch of this.#follow(reached, closing)) {
          yield selected(batch, prefix, reached);
          reached = batch.revision;
          if (this.#sharedTail(reached).covers(reached)) break;
        }
        isBehind = false;
      }
      try {
        for await (const batch of this.#sharedTail(reached).watch({
          prefix,
          afterRevision: reached,
          signal: closing,
        })) {
          yield batch;
          reached = batch.revision;
        }
      } catch (error) {
        // Behind the tail, but not necessarily behind etcd's own history: that is found out by a watch of its own.
        if (!(error instanceof CompactedError)) throw error;
        isBehind = true;
      }
    }
  }

  async compact(revision: number): Promise<void> {
    await this.#translated(this.#endpoints.call(this.#methods.compact, { revision }, { idempotent: true }));
    this.#tail?.forget(revision);
  }

  currentRevision(): Promise<number> {
    return this.#revision.ask();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#endpoints.close();
  }

  async #range(request: RangeOfKeys) {
    const call = this.#ask(this.#methods.range, request, { idempotent: true });
    const { header, ...response } = await this.#translated(call);
    return { ...response, revision: header?.revision ?? 0 };
  }

  /** A read of nothing that goes through the leader: its header tells the revision of the last acknowledged write. */
  async #readRevision(patience?: number): Promise<number> {
    const request = { key: '\0', countOnly: true };
    const kind = { idempotent: true, ...(patience !== undefined && { patience }) };
    const { header } = await this.#ask(this.#methods.range, request, kind);
    return header?.revision ?? 0;
  }

  /** A question that goes through the leader: its answer is as new as the asking. */
  async #ask<In, Out extends { readonly header: Header | undefined }>(
    method: Method<In, Out>,
    request: In,
    kind: CallKind,
  ): Promise<Out> {
    const least = this.#history.ask();
    const answer = await this.#endpoints.call(method, request, kind);
    this.#history.answered(answer.header, least);
    return answer;
  }

  async #translated<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (!(error instanceof GrpcError) || error.code !== grpcCode.outOfRange) throw error;
      if (error.message.endsWith('required revision is a future revision')) {
        throw new FutureRevisionError(await this.currentRevision());
      }
      if (error.message.endsWith('required revision has been compacted')) {
        throw new CompactedError(await this.#compactRevision());
      }
      throw error;
    }
  }

  /** etcd tells the revision only to watches that come too late. */
  async #compactRevision(): Promise<number> {
    try {
      const watch = this.#follow(0, this.#stop.signal);
      for await (const _ of watch) break;
    } catch (error) {
      if (error instanceof CompactedError) return error.compactRevision;
      throw error;
    }
    return 0;
  }

  async *#follow(afterRevision: number, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    this.#history.ask();
    const resumed = () => this.#readRevision();
    for await (const batch of follow({
      endpoints: this.#endpoints,
      methods: this.#methods,
      afterRevision,
      signal,
      resumed,
    })) {
      this.#history.reached(batch.revision);
      yield batch;
    }
  }

  #sharedTail(revision: number): WatchLog {
    if (this.#tail) return this.#tail;
    const tail = new WatchLog(revision);
    this.#tail = tail;
    void this.#fill(tail, revision);
    return tail;
  }

  async #fill(tail: WatchLog, afterRevision: number): Promise<void> {
    try {
      for await (const { events, revision } of this.#follow(afterRevision, this.#stop.signal)) {
        tail.append(events, revision);
        // Half at a time, so that it is not done for every batch.
        if (tail.events.length >= 2 * keptEvents) tail.forget(tail.events.at(-keptEvents - 1)!.revision);
      }
    } catch {
      // etcd has forgotten what comes next; the watchers find that out for themselves, each from where it is.
    } finally {
      if (this.#tail === tail) this.#tail = undefined;
      tail.forget(Number.MAX_SAFE_INTEGER);
    }
  }
}

interface RangeOfKeys {
  readonly key: string;
  readonly rangeEnd?: string;
  readonly limit?: number;
  readonly revision: number;
}

/** As many keys as make a page of the wanted length, when they are as long as these; at most four times as many. */
function nextPage(kvs: readonly KeyValue[]): number {
  const text = kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return Math.max(10, Math.min(Math.round((kvs.length * pageText) / text), 4 * kvs.length));
}

/** Etcd refuses more than 1.5 MiB, and its gRPC more than 2 MiB before it looks. */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof GrpcError)) return false;
  if (error.code === grpcCode.resourceExhausted) return error.message.includes('larger than max');
  return error.message === 'etcdserver: request is too large';
}
