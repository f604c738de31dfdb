// One watch over the whole of etcd, made again whenever it breaks, from where it had come. All keys are watched, so that
// every revision has its event: who waits for a revision need not ask whether something happened elsewhere.
// (etcd before 3.4.25 answers a request for progress with revisions whose events are still on their way.)
import { GrpcError, grpcCode } from '../../grpc/client.ts';
import { CompactedError, type StorageEvent, type WatchBatch } from '../storage.ts';
import type { Endpoints } from './endpoints.ts';
import { type EtcdMethods, eventDelete, type WatchEvent, type WatchResponse } from './messages.ts';

/** As the start and as the end of a range: from the first key, to no end. */
const everything = '\0';

export interface FollowOptions {
  readonly endpoints: Endpoints;
  readonly methods: EtcdMethods;
  readonly afterRevision: number;
  readonly signal: AbortSignal;
  /** Asked before a stream that broke is made again; rejects where it must not be, else as calls do. */
  readonly resumed: () => Promise<unknown>;
}

/** Every batch of events after the revision, without gaps, until the signal aborts. Throws CompactedError and HistoryLostError. */
export async function* follow(options: FollowOptions): AsyncGenerator<WatchBatch> {
  const { endpoints, afterRevision, signal, resumed } = options;
  let reached = afterRevision;
  for (let failures = 0; !signal.aborted; ) {
    const connection = new Connection({ ...options, afterRevision: reached });
    try {
      if (failures > 0) await resumed();
      for await (const batch of connection.batches(signal)) {
        failures = 0;
        reached = batch.revision;
        yield batch;
      }
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
    } finally {
      connection.close();
    }
    failures += 1;
    await endpoints.pauseStream(failures, signal);
  }
}

/** One stream. It starts at the revision already reached, which etcd refuses exactly when something after it may be gone. */
class Connection {
  readonly #stop = new AbortController();
  readonly #queue: WatchBatch[] = [];
  readonly #endpoints: Endpoints;
  readonly #methods: EtcdMethods;
  readonly #afterRevision: number;
  #fragments: WatchEvent[] = [];
  #wake = Promise.withResolvers<void>();
  #end: { readonly error: unknown } | undefined;

  constructor({ endpoints, methods, afterRevision }: Omit<FollowOptions, 'signal' | 'resumed'>) {
    this.#endpoints = endpoints;
    this.#methods = methods;
    this.#afterRevision = afterRevision;
  }

  /** Ends by throwing what broke the stream: a GrpcError, or CompactedError. */
  async *batches(signal: AbortSignal): AsyncGenerator<WatchBatch> {
    void this.#receive(AbortSignal.any([signal, this.#stop.signal]));
    for (;;) {
      const wake = this.#wake.promise;
      const batch = this.#queue.shift();
      if (batch) yield batch;
      else if (this.#end) throw this.#end.error;
      else await wake;
    }
  }

  async #receive(signal: AbortSignal): Promise<void> {
    const startRevision = Math.max(1, this.#afterRevision);
    const create = { key: everything, rangeEnd: everything, startRevision, fragment: true, progressNotify: true };
    try {
      const onMessage = (response: WatchResponse) => this.#take(response);
      await this.#endpoints.stream(this.#methods.watch, { create }, { signal, onMessage });
      this.#finish(new GrpcError(grpcCode.unavailable, 'etcd ended the watch'));
    } catch (error) {
      this.#finish(error);
    }
  }

  close(): void {
    this.#stop.abort();
  }

  #take(response: WatchResponse): void {
    const { canceled, compactRevision, cancelReason, created, fragment, events } = response;
    if (canceled) {
      const reason = new GrpcError(grpcCode.unavailable, cancelReason || 'etcd cancelled the watch');
      this.#finish(compactRevision > 0 ? new CompactedError(compactRevision) : reason);
      return;
    }
    if (created) return;
    // A response that is too long for one message comes in parts, cut anywhere.
    if (events.length > 0) this.#fragments.push(...events);
    if (fragment) return;
    const parts = this.#fragments;
    this.#fragments = [];
    // With events, the header may be ahead of them; without, it tells how far the watch has come.
    const revision = parts.at(-1)?.kv?.modRevision ?? response.header?.revision ?? 0;
    if (revision <= this.#afterRevision) return;
    const after = parts.flatMap((event) => storageEvent(event, this.#afterRevision));
    this.#queue.push({ revision, events: after });
    this.#wakeUp();
  }

  #finish(error: unknown): void {
    this.#end ??= { error };
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

function storageEvent({ type, kv }: WatchEvent, after: number): StorageEvent[] {
  if (!kv || kv.modRevision <= after) return [];
  const { key, modRevision: revision } = kv;
  if (type === eventDelete) return [{ type: 'delete', key, revision, current: undefined }];
  return [{ type: 'put', key, revision, current: kv }];
}
