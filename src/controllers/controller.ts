// The one loop of every controller: informers put keys into a queue, workers bring each key's objects to what they
// should be, failures come back after a while.
import type { KubeObject } from '../apimachinery/object.ts';
import { isConflict, isNotFound } from '../apimachinery/status.ts';
import { createEventRecorder, type EventRecorder } from '../client/events.ts';
import type { Client, Informer, Informers } from '../client/types.ts';
import { type QueueObserver, WorkQueue } from '../client/work-queue.ts';
import type { Family } from '../metrics/metric.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import type { ControllersConfig } from './config.ts';

/** Failures in a row after which even a conflict is told of. */
const manyTries = 5;

/** A decision over so many objects is cheap: it is made for each change anew. */
const few = 200;
/** Milliseconds for each object that was looked at, and the most. */
const restPerObject = 0.05;
const longestRest = 200;

/** What a controller is given; the same for all. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: ControllersConfig;
  readonly metrics?: ControllerMetrics;
  /** Told of failures that are retried. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** For whoever counts. */
export interface ControllerMetrics {
  /** To be told of what happens in a queue of this name. */
  queue(name: string): QueueObserver;
  /** What a controller counts itself. */
  own(controller: string, families: readonly Family[]): void;
}

export interface Controller {
  /** Works until the signal aborts. Rejects only for bugs. */
  run(signal: AbortSignal): Promise<void>;
}

/** Makes an inert controller; it registers its handlers and starts with `run`. */
export type ControllerFactory = (context: ControllerContext) => Controller;

export interface SyncResult {
  /** Comes back to the key after so many milliseconds, though nothing failed. */
  readonly requeueAfter?: number;
  /** Objects that the decision was over. After one over many the key rests, so that the next is made for many changes. */
  readonly looked?: number | undefined;
}

export interface KeyedControllerOptions {
  /** The upstream name, `replicaset-controller`. */
  readonly name: string;
  readonly context: ControllerContext;
  /** Work begins when all of them have synced. */
  readonly waitFor: readonly { synced(signal?: AbortSignal): Promise<void> }[];
  /** Keys worked on at a time. Default 5, as upstream. */
  readonly workers?: number;
  /** Milliseconds after the first failure (doubling) and the longest wait. Defaults 5 and 60,000. */
  readonly baseDelay?: number;
  readonly maxDelay?: number;
  sync(key: string, signal: AbortSignal): Promise<SyncResult | undefined>;
}

export class KeyedController implements Controller {
  readonly queue: WorkQueue;
  readonly #options: KeyedControllerOptions;
  /** When keys with large decisions may be worked on again. */
  readonly #rests = new Map<string, number>();

  constructor(options: KeyedControllerOptions) {
    this.#options = options;
    this.queue = new WorkQueue({
      clock: options.context.clock,
      baseDelay: options.baseDelay ?? 5,
      maxDelay: options.maxDelay ?? 60_000,
      // As upstream names its queues: `deployment`, `job`.
      observer: options.context.metrics?.queue(options.name.replace('-controller', '')),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const stop = () => {
      this.queue.shutDown();
      aborted.resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const synced = Promise.all(this.#options.waitFor.map((informer) => informer.synced()));
    await Promise.race([synced, aborted.promise]);
    if (signal.aborted) return;
    await Promise.all(Array.from({ length: this.#options.workers ?? 5 }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.queue.get();
      if (key === undefined) return;
      const rest = (this.#rests.get(key) ?? 0) - this.#options.context.clock.monotonic();
      if (rest > 0) {
        this.queue.addAfter(key, rest);
      } else {
        this.#rests.delete(key);
        await this.#syncOne(key, signal);
      }
      this.queue.done(key);
    }
  }

  #rest(key: string, looked: number): void {
    if (looked <= few) return;
    this.#rests.set(key, this.#options.context.clock.monotonic() + Math.min(looked * restPerObject, longestRest));
  }

  async #syncOne(key: string, signal: AbortSignal): Promise<void> {
    const { name, context } = this.#options;
    try {
      const result = await this.#options.sync(key, signal);
      this.queue.forget(key);
      this.#rest(key, result?.looked ?? 0);
      if (result?.requeueAfter !== undefined) this.queue.addAfter(key, result.requeueAfter);
    } catch (error) {
      if (signal.aborted) return;
      if (!isStaleView(error) || this.queue.numRequeues(key) >= manyTries) context.onError?.(error, `${name}: ${key}`);
      this.queue.addRateLimited(key);
    }
  }
}

/** The cache was behind, which the next try cures; only when it does not is it worth telling. */
function isStaleView(error: unknown): boolean {
  return isConflict(error) || isNotFound(error);
}

/** Calls `enqueue` for each object that is added, changed or deleted. */
export function onEveryChange<T extends KubeObject>(
  informer: Informer<T>,
  enqueue: (object: Readonly<T>) => void,
): void {
  informer.addHandler({ added: enqueue, updated: (object) => enqueue(object), deleted: enqueue });
}

export function recorderOf(context: ControllerContext, component: string): EventRecorder {
  const { client, clock, random } = context;
  return createEventRecorder({ client, clock, random, component });
}
