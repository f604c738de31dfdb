// Keeps a cache per resource in step with storage, by one watch over all of it. Readers wait until the cache has come
// as far as the writes that they must see.
import type { KubeObject } from '../../apimachinery/object.ts';
import { ByResource } from '../../storage/by-resource.ts';
import { refuseSealed, UnreadableError } from '../../storage/encryption/sealed-prefix.ts';
import { ownPrefix, registryPrefix, resourcePrefixOf } from '../../storage/registry-keys.ts';
import { HistoryLostError, type KeyValue, type Storage, type StorageEvent } from '../../storage/storage.ts';
import type { Clock } from '../../system/clock.ts';
import { ResourceCache } from './resource-cache.ts';
import { StoredObject, unreadableReason } from './stored-object.ts';

/** Milliseconds until all is read again; twice as long each time, since what no key opens may stay so. */
const firstRetryMs = 100;
const longestRetryMs = 5_000;

/** A value that is being written, and the metadata that it was made of. */
export interface ExpectedWrite {
  readonly value: string;
  readonly metadata: Readonly<KubeObject['metadata']>;
}

export interface WatchCacheOptions {
  /** Others write to it too, and nobody knows what: each value is looked at. Default false. */
  readonly isStorageShared?: boolean;
  /** Told of each value that cannot be read. */
  readonly onUnreadable?: (error: UnreadableError) => void;
}

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

export class WatchCache {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #isStorageShared: boolean;
  readonly #onUnreadable: (error: UnreadableError) => void;
  readonly #caches = new ByResource(() => new ResourceCache(this.#loadedAt));
  /** Writes on their way, by key. */
  readonly #expected = new Map<string, ExpectedWrite>();
  #waiters: Waiter[] = [];
  #revision = 0;
  #loadedAt = 0;
  #hasEnded = false;
  #lost: HistoryLostError | undefined;

  constructor(
    storage: Storage,
    clock: Clock,
    { isStorageShared = false, onUnreadable = () => {} }: WatchCacheOptions = {},
  ) {
    this.#storage = storage;
    this.#clock = clock;
    this.#isStorageShared = isStorageShared;
    this.#onUnreadable = onUnreadable;
  }

  /** How far the cache has come. 0 until it was loaded. */
  get revision(): number {
    return this.#revision;
  }

  /** The cache of the keys below a prefix such as `/registry/core/services/`. Only after {@link load}. */
  resource(prefix: string): ResourceCache {
    return this.#caches.at(prefix);
  }

  /**
   * Resolves when the cache shows the state of this revision, or a later one; or when the signal aborts, or the cache has
   * ended: nobody is to wait for what will not come.
   */
  waitFor(revision: number, signal?: AbortSignal): Promise<void> | undefined {
    if (this.#revision >= revision || this.#hasEnded) return undefined;
    return new Promise((resolve) => {
      const waiter = { revision, resolve };
      this.#waiters.push(waiter);
      if (signal) signal.addEventListener('abort', () => this.#giveUp(waiter), { once: true });
    });
  }

  #giveUp(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((one) => one !== waiter);
    waiter.resolve();
  }

  /**
   * Resolves when the cache shows every write that was acknowledged before the call, by whichever server. Fails with a
   * HistoryLostError once storage turned out to be another than the one that the cache was made of.
   */
  waitForNow(): Promise<number> | number {
    if (this.#lost) throw this.#lost;
    const now = this.#storage.currentRevision();
    if (typeof now !== 'number') return now.then((revision) => this.#reachedBy(revision));
    return this.#revision >= now ? this.#revision : this.#reachedBy(now);
  }

  async #reachedBy(revision: number): Promise<number> {
    await this.waitFor(revision);
    if (this.#lost) throw this.#lost;
    return this.#revision;
  }

  /**
   * Told of a write before it is made, so that its metadata, which controllers look at, need not be read from its text again. To be
   * forgotten when the write is over; the metadata is not to change any more.
   */
  expect(key: string, write: ExpectedWrite): void {
    this.#expected.set(key, write);
  }

  forgetExpected(key: string, write: ExpectedWrite): void {
    if (this.#expected.get(key) === write) this.#expected.delete(key);
  }

  /** Lets go of changes up to a revision: watches from before them get 410. */
  forget(revision: number): void {
    for (const cache of this.#caches.values()) cache.forget(revision);
  }

  /** Reads what is stored. Call once, before anything else. Rejects with an UnreadableError for what is encrypted. */
  async load(): Promise<void> {
    const { items, revision } = await this.#storage.range({ prefix: registryPrefix });
    this.#loadedAt = revision;
    items.forEach(refuseSealed);
    const byResource = Map.groupBy(items, (item) => resourcePrefixOf(item.key));
    for (const [prefix, group] of byResource) {
      const cache = this.resource(prefix);
      const readable = group.filter((item) => this.#isReadable(cache, item));
      cache.load(readable.map((item) => new StoredObject(item.key, item.value, item.modRevision)));
    }
    this.#reached(revision);
  }

  /**
   * Follows storage until the signal aborts. A broken watch is made good by reading all again; rejects with a HistoryLostError
   * where that cannot be.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#followOrRecover(signal);
    } catch (error) {
      if (error instanceof HistoryLostError) this.#lost = error;
      throw error;
    } finally {
      this.#hasEnded = true;
      for (const waiter of this.#waiters.splice(0)) waiter.resolve();
    }
  }

  async #followOrRecover(signal: AbortSignal): Promise<void> {
    try {
      await this.#follow(signal);
    } catch (error) {
      if (error instanceof HistoryLostError) throw error;
      await this.#recover(signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const watch = this.#storage.watch({ prefix: registryPrefix, afterRevision: this.#revision, signal });
    for await (const batch of watch) {
      for (const event of batch.events) this.#apply(event);
      this.#reached(batch.revision);
    }
  }

  #apply(event: StorageEvent): void {
    const cache = this.#caches.of(event.key);
    if (!event.current) cache.delete(event.key, event.revision);
    else if (!this.#isStorageShared || this.#isReadable(cache, event.current)) {
      cache.put(this.#stored(event.key, event.current.value, event.revision));
    }
  }

  /** False for a value of which no object can be made: one key that somebody spoilt is to spoil nothing else. */
  #isReadable(cache: ResourceCache, { key, value }: KeyValue): boolean {
    const reason = key.startsWith(ownPrefix) ? undefined : unreadableReason(value);
    if (reason === undefined) return true;
    const error = new UnreadableError(key, reason);
    cache.setUnreadable(key, error);
    this.#onUnreadable(error);
    return false;
  }

  #stored(key: string, value: string, revision: number): StoredObject {
    const expected = this.#expected.get(key);
    return new StoredObject(key, value, revision, expected?.value === value ? expected.metadata : undefined);
  }

  #reached(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of waiters) if (waiter.revision <= revision) waiter.resolve();
  }

  async #recover(signal: AbortSignal): Promise<void> {
    for (let wait = firstRetryMs; !signal.aborted; wait = Math.min(2 * wait, longestRetryMs)) {
      try {
        await this.#clock.sleep(wait, signal);
        const { items, revision } = await this.#storage.range({ prefix: registryPrefix });
        this.#catchUp(items, revision);
        return;
      } catch (error) {
        if (error instanceof HistoryLostError) throw error;
        // Storage is away (an etcd that restarts): reads wait, and this tries again.
      }
    }
  }

  /** Makes the differences between cache and storage into changes in the order of revisions, as if they had been watched. */
  #catchUp(items: readonly KeyValue[], revision: number): void {
    const changed = items.filter((item) => item.modRevision > this.#revision);
    for (const item of items) if (item.modRevision <= this.#revision) this.#expectKnown(item);
    changed.sort((a, b) => a.modRevision - b.modRevision);
    for (const item of changed) {
      const cache = this.#caches.of(item.key);
      if (this.#isReadable(cache, item)) cache.put(new StoredObject(item.key, item.value, item.modRevision));
    }
    const present = new Set(items.map((item) => item.key));
    for (const cache of this.#caches.values()) {
      for (const key of cache.keys) if (!present.has(key)) cache.delete(key, revision);
    }
    this.#reached(revision);
  }

  /** What was last written before the cache got so far is in the cache as it is, unless an older state was put back. */
  #expectKnown({ key, modRevision }: KeyValue): void {
    const cache = this.#caches.of(key);
    if (cache.isUnreadable(key)) return;
    const known = cache.get(key)?.revision;
    if (known === modRevision) return;
    const instead = known === undefined ? 'not at all' : `at revision ${known}`;
    throw new HistoryLostError(`storage holds ${key} at revision ${modRevision}, which was known ${instead}`);
  }
}
