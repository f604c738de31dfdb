// What a proxier did and when, for /healthz and /metrics.
import type { Clock } from '../system/clock.ts';

export interface SyncStatusOptions {
  /** A change that waits longer than this for its sync, in milliseconds, makes the proxy unhealthy. */
  readonly timeout: number;
}

export class SyncStatus {
  readonly #clock: Clock;
  readonly #timeout: number;
  #oldestQueued: number | undefined;
  #lastUpdated: number;
  syncs = 0;
  fullSyncs = 0;
  failures = 0;
  /** Seconds that each kind of sync took, summed. */
  seconds = 0;
  fullSeconds = 0;
  pendingChanges = 0;
  totalChanges = 0;

  constructor(clock: Clock, { timeout }: SyncStatusOptions) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#lastUpdated = clock.now();
  }

  /** A change came in. */
  queued(): void {
    this.#oldestQueued ??= this.#clock.now();
    this.pendingChanges += 1;
    this.totalChanges += 1;
  }

  started(): void {
    this.pendingChanges = 0;
  }

  /** A look that found nothing to do. */
  idle(): void {
    this.#oldestQueued = undefined;
  }

  succeeded({ full, duration }: { readonly full: boolean; readonly duration: number }): void {
    this.#lastUpdated = this.#clock.now();
    this.#oldestQueued = this.pendingChanges > 0 ? this.#lastUpdated : undefined;
    this.syncs += 1;
    this.seconds += duration / 1000;
    if (!full) return;
    this.fullSyncs += 1;
    this.fullSeconds += duration / 1000;
  }

  failed(): void {
    this.failures += 1;
    this.#oldestQueued ??= this.#clock.now();
  }

  get healthy(): boolean {
    return this.#oldestQueued === undefined || this.#clock.now() - this.#oldestQueued < this.#timeout;
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
