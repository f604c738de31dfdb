// Events are forgotten some time after their last write, as they are by etcd's leases under kube-apiserver.
import { resourcePrefix } from '../storage/registry-keys.ts';
import type { Storage } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';
import type { StoredObject } from './watch-cache/stored-object.ts';
import type { WatchCache } from './watch-cache/watch-cache.ts';

const eventPrefix = resourcePrefix({ group: '', resource: 'events' });
const periodMs = 30_000;
const creation = /"creationTimestamp":"([^"]+)"/;

export interface EventExpiryOptions {
  readonly storage: Storage;
  readonly cache: WatchCache;
  readonly clock: Clock;
  /** Milliseconds after the last write (`--event-ttl`). */
  readonly eventTtl: number;
  /** Told of failures; the next period tries again. */
  readonly onError: (error: unknown) => void;
}

export class EventExpiry {
  readonly #options: EventExpiryOptions;
  /** When each event was written last, as the clock's `monotonic`: the oldest first. */
  readonly #written = new Map<string, number>();

  constructor(options: EventExpiryOptions) {
    this.#options = options;
  }

  /** Works until the signal aborts; the cache must be loaded. */
  async run(signal: AbortSignal): Promise<void> {
    const { cache, clock, onError } = this.#options;
    const events = cache.resource(eventPrefix);
    // When an event of an earlier run was written last is not known: no earlier than it was made.
    const age = (stored: StoredObject) => Math.max(0, clock.now() - (createdAt(stored) ?? clock.now()));
    const present = events
      .readable(eventPrefix)
      .map((stored) => [stored.key, clock.monotonic() - age(stored)] as const);
    for (const [key, at] of present.sort((a, b) => a[1] - b[1])) this.#written.set(key, at);
    const unsubscribe = events.subscribe(({ type, current }) => {
      this.#written.delete(current.key);
      if (type !== 'DELETED') this.#written.set(current.key, clock.monotonic());
    });
    while (!signal.aborted) {
      await clock.sleep(periodMs, signal).catch(() => {});
      if (!signal.aborted) await this.#forget().catch(onError);
    }
    unsubscribe();
  }

  async #forget(): Promise<void> {
    const { storage, cache, clock, eventTtl } = this.#options;
    const events = cache.resource(eventPrefix);
    const oldest = clock.monotonic() - eventTtl;
    for (const [key, at] of this.#written) {
      if (at > oldest) return;
      // One that somebody spoilt in storage: what is to become of it is for those who can read it.
      if (events.isUnreadable(key)) continue;
      const stored = events.get(key);
      // One that is written meanwhile stays, and is looked at again as a new one.
      const compare = [{ key, modRevision: stored?.revision ?? 0 }];
      if (stored) await storage.transact({ compare, operations: [{ type: 'delete', key }] });
      else this.#written.delete(key);
    }
  }
}

/** Looked for in the text, so that not every event is parsed. */
function createdAt({ value }: StoredObject): number | undefined {
  const text = creation.exec(value)?.[1];
  return text === undefined ? undefined : Date.parse(text);
}
