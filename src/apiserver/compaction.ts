// Forgets old history. As kube-apiserver does with etcd, the last minutes can be read and watched from; what is older is
// answered with 410, and takes neither memory nor disk.
import { CompactedError, type Storage } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';

/** How often it looks: what is forgotten at a time stays small. */
const periodMs = 30_000;
/** History of at least this long is kept, … */
const keptMs = 300_000;
/** … unless there is this much of it. */
const keptRevisions = 100_000;

export interface CompactorOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Called with the revision that storage has forgotten up to. */
  readonly onCompacted: (revision: number) => void;
  /** Told of failures; the next period tries again. */
  readonly onError: (error: unknown) => void;
}

interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly revision: number;
}

/** Up to which revision to compact: 0 for not at all. `samples` are from oldest to newest. */
export function compactionTarget(samples: readonly Sample[], now: number): number {
  const current = samples.at(-1)?.revision ?? 0;
  const old = samples.findLast(({ at }) => at <= now - keptMs)?.revision ?? 0;
  return Math.max(old, current - keptRevisions, 0);
}

export class Compactor {
  readonly #options: CompactorOptions;
  #samples: Sample[] = [];
  #compacted = 0;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#compact();
      } catch (error) {
        onError(error);
      }
      await clock.sleep(periodMs, signal).catch(() => {});
    }
  }

  async #compact(): Promise<void> {
    const { storage, clock, onCompacted } = this.#options;
    const now = clock.now();
    this.#samples.push({ at: now, revision: await storage.currentRevision() });
    const target = compactionTarget(this.#samples, now);
    if (target <= this.#compacted) return;
    try {
      await storage.compact(target);
    } catch (error) {
      // Another server of the same storage, or this one before it was restarted, came first.
      if (!(error instanceof CompactedError)) throw error;
    }
    this.#compacted = target;
    this.#samples = this.#samples.filter(({ revision }) => revision > target);
    onCompacted(target);
  }
}
