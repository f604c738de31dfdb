// An informer: list, then watch from there, for ever; its cache and its handlers follow.
import type { GroupVersionResource, KubeList, KubeObject, WatchEvent } from '../apimachinery/object.ts';
import { objectKey } from '../apimachinery/object.ts';
import { isExpired, isNotFound, StatusError } from '../apimachinery/status.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { Backoff } from './backoff.ts';
import { deepFreeze } from './deep-freeze.ts';
import { statusErrorOfEvent } from './status-of-response.ts';
import { Store } from './store.ts';
import type { Client, Informer, InformerHandler, InformerScope, Lister, ResourceClient } from './types.ts';

export interface InformerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Freezes cached objects, so that a test fails where code changes them. */
  readonly freeze?: boolean;
  /**
   * What of an object stays in the cache once its handlers have seen it; by default all of it. The metadata's name, namespace,
   * uid and resourceVersion must stay. Listers, `old` of updates and handlers added later get what stayed.
   */
  readonly keep?: (object: Readonly<KubeObject>) => KubeObject;
  /** Lists are asked for in pages of this many objects, so that no answer is all of them at once; by default in one. */
  readonly pageSize?: number;
  /** Milliseconds between two tries to reach the server at most; 10,000 by default. */
  readonly maxRetryDelay?: number;
  /** Told of failures that are retried, and of errors that handlers throw. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** A watch that ends sooner than this, in milliseconds, is followed by a wait, so that a bad server is not hammered. */
const shortWatch = 1000;

export class ListWatchInformer<T extends KubeObject> implements Informer<T> {
  readonly #client: ResourceClient<T>;
  #scope: InformerScope;
  readonly #options: InformerOptions;
  readonly #resource: GroupVersionResource;
  readonly #store = new Store<T>();
  readonly #handlers: InformerHandler<T>[] = [];
  readonly #backoff: Backoff;
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  /** Whether it was told that the server has no such resource, which is told once. */
  #isMissing = false;
  /** Where the watch goes on; undefined asks for a list first. */
  #resourceVersion: string | undefined;

  constructor(client: Client, resource: GroupVersionResource, scope: InformerScope, options: InformerOptions) {
    this.#client = client.resource<T>(resource);
    this.#scope = scope;
    this.#options = options;
    this.#resource = resource;
    this.#backoff = new Backoff({ base: 100, max: options.maxRetryDelay ?? 10_000, random: options.random });
  }

  get lister(): Lister<T> {
    return this.#store;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  synced(signal?: AbortSignal): Promise<void> {
    if (!signal || this.#hasSynced) return this.#synced.promise;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      void this.#synced.promise.then(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }

  addHandler(handler: InformerHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#store.list()) this.#guard(() => handler.added?.(object));
    if (this.#hasSynced) this.#guard(() => handler.synced?.());
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const started = this.#options.clock.monotonic();
      const lists = this.#resourceVersion === undefined;
      try {
        if (lists) await this.#list(signal);
        await this.#watch(signal);
        if (this.#options.clock.monotonic() - started >= shortWatch) this.#backoff.reset();
        else await this.#wait(signal);
      } catch (error) {
        if (signal.aborted) break;
        if (isExpired(error)) {
          this.#resourceVersion = undefined;
          if (lists) await this.#wait(signal);
        } else if (this.#isUnknownSelector(error)) {
          const { fieldSelector: _, ...rest } = this.#scope;
          this.#scope = rest;
        } else {
          this.#tell(error);
          await this.#wait(signal);
        }
      }
    }
  }

  #tell(error: unknown): void {
    const wasMissing = this.#isMissing;
    this.#isMissing = isNotFound(error);
    if (wasMissing && this.#isMissing) return;
    const { group, version, resource } = this.#resource;
    const from = group === '' ? version : `${group}/${version}`;
    // Upstream says only that it could not find the requested resource.
    const told = this.#isMissing
      ? new Error(`the API server does not serve ${resource} of ${from}`, { cause: error })
      : error;
    this.#options.onError?.(told, `list and watch of ${resource}`);
  }

  #isUnknownSelector(error: unknown): boolean {
    const { fieldSelector, isFieldSelectorOptional } = this.#scope;
    const isAsked = isFieldSelectorOptional === true && fieldSelector !== undefined;
    return isAsked && error instanceof StatusError && error.status.code === 400;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(this.#backoff.next(), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { pageSize } = this.#options;
    const scope = { ...this.#scope, signal, ...(pageSize !== undefined && { limit: pageSize }) };
    let list = await this.#client.list(scope);
    const listed = new Set(list.items.map(objectKey));
    // Told first is what went, then what is new or changed; where there are more pages, what went is known at their end.
    if (!list.metadata.continue) this.#removeUnlisted(listed);
    this.#putListed(list);
    while (list.metadata.continue) {
      list = await this.#client.list({ ...scope, continue: list.metadata.continue });
      for (const object of list.items) listed.add(objectKey(object));
      this.#putListed(list);
      if (!list.metadata.continue) this.#removeUnlisted(listed);
    }
    this.#resourceVersion = list.metadata.resourceVersion ?? '0';
    this.#backoff.reset();
    this.#isMissing = false;
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    for (const handler of this.#handlers) this.#guard(() => handler.synced?.());
    this.#synced.resolve();
  }

  /** An object of the same name that was made anew is told as gone first. */
  #putListed({ items }: KubeList<T>): void {
    for (const object of items) {
      const old = this.#store.known(object);
      if (old && old.metadata.uid !== object.metadata.uid) this.#remove(old);
      this.#put(object);
    }
  }

  #removeUnlisted(listed: ReadonlySet<string>): void {
    for (const old of this.#store.list()) if (!listed.has(objectKey(old))) this.#remove(old);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const options = { ...this.#scope, signal, allowWatchBookmarks: true };
    const from = this.#resourceVersion === undefined ? {} : { resourceVersion: this.#resourceVersion };
    for await (const event of this.#client.watch({ ...options, ...from })) {
      if (signal.aborted) return;
      this.#take(event);
    }
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === 'ERROR') throw statusErrorOfEvent(event.object);
    if (event.type === 'DELETED') {
      if (this.#store.known(event.object)) this.#remove(event.object);
    } else if (event.type !== 'BOOKMARK') {
      this.#put(event.object);
    }
    this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
    this.#backoff.reset();
  }

  #put(object: T): void {
    const old = this.#store.known(object);
    if (old && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (this.#options.freeze) deepFreeze(object);
    this.#store.set(this.#kept(object));
    for (const handler of this.#handlers) {
      this.#guard(() => (old ? handler.updated?.(object, old) : handler.added?.(object)));
    }
  }

  #kept(object: T): T {
    // What stays of an object is of its kind, with less in it.
    return this.#options.keep ? (this.#options.keep(object) as T) : object;
  }

  #remove(object: T): void {
    if (this.#options.freeze) deepFreeze(object);
    this.#store.delete(object);
    for (const handler of this.#handlers) this.#guard(() => handler.deleted?.(object));
  }

  /** A handler's error must not stop the others, nor the watch. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.onError?.(error, `handler of ${this.#resource.resource}`);
    }
  }
}
