// What a proxier did and when, for /healthz and /metrics.
import type { Clock } from '../system/clock.ts';

export interface SyncStatusOptions {
  /** A change that waits longer than this for its sync, in milliseconds, makes the proxy unhealthy. */
  readonly timeout: number;
}

/** What a change is of: a Service, or (by its slices) its endpoints. */
export type ChangedKind = 'service' | 'endpoint';

export class SyncStatus {
  readonly #clock: Clock;
  readonly #timeout: number;
  /** As the clock's `monotonic`. */
  #oldestQueued: number | undefined;
  #lastUpdated: number;
  failures = 0;
  /** Those of the failures that were of a small sync. */
  partialFailures = 0;
  /** When the last change came in, in milliseconds since the Unix epoch. */
  lastQueued = 0;
  /** Changes that no sync has begun with yet, and all that there were. */
  readonly pending: Record<ChangedKind, number> = { service: 0, endpoint: 0 };
  readonly total: Record<ChangedKind, number> = { service: 0, endpoint: 0 };

  constructor(clock: Clock, { timeout }: SyncStatusOptions) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#lastUpdated = clock.now();
  }

  /** A change came in. */
  queued(kind: ChangedKind): void {
    this.lastQueued = this.#clock.now();
    this.#oldestQueued ??= this.#clock.monotonic();
    this.pending[kind] += 1;
    this.total[kind] += 1;
  }

  started(): void {
    this.pending.service = 0;
    this.pending.endpoint = 0;
  }

  /** A look that found nothing to do. */
  idle(): void {
    this.#oldestQueued = undefined;
  }

  succeeded(): void {
    this.#lastUpdated = this.#clock.now();
    const { service, endpoint } = this.pending;
    this.#oldestQueued = service + endpoint > 0 ? this.#clock.monotonic() : undefined;
  }

  failed({ full }: { readonly full: boolean }): void {
    this.failures += 1;
    if (!full) this.partialFailures += 1;
    this.#oldestQueued ??= this.#clock.monotonic();
  }

  get healthy(): boolean {
    return this.#oldestQueued === undefined || this.#clock.monotonic() - this.#oldestQueued < this.#timeout;
  }

  /** When the kernel was last known to hold what is wanted, in milliseconds since the Unix epoch. */
  get lastUpdated(): number {
    return this.healthy ? this.#clock.now() : this.#lastUpdated;
  }

  /** When a sync last ended well, in milliseconds since the Unix epoch. */
  get lastSynced(): number {
    return this.#lastUpdated;
  }
}
