// Forgets old history. As kube-apiserver does with etcd, the last minutes can be read and watched from; what is older is
// answered with 410, and takes neither memory nor disk.
import { CompactedError, type Storage } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';

/** How often it looks: what is forgotten at a time stays small. Where storage is shared, the others have a turn too. */
const periodMs = 30_000;
const sharedPeriodMs = 300_000;
/** Who writes this key compacts, up to the revision that it says. */
const compactKey = '/portico/compact-revision';
/** History of at least this long is kept, … */
const keptMs = 300_000;
/** … unless there is this much of it: an embedded store has it in memory. */
const keptRevisions = 100_000;

export interface CompactorOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Other servers compact the same storage: only one of them does, every five minutes. Default false. */
  readonly isStorageShared?: boolean;
  /** Called with the revision that storage has forgotten up to. */
  readonly onCompacted: (revision: number) => void;
  /** Told of failures; the next period tries again. */
  readonly onError: (error: unknown) => void;
}

interface Sample {
  /** As the clock's `monotonic`. */
  readonly at: number;
  readonly revision: number;
}

/** Up to which revision to compact: 0 for not at all. `samples` are from oldest to newest. */
export function compactionTarget(samples: readonly Sample[], now: number, most = keptRevisions): number {
  const current = samples.at(-1)?.revision ?? 0;
  const old = samples.findLast(({ at }) => at <= now - keptMs)?.revision ?? 0;
  return Math.max(old, current - most, 0);
}

export class Compactor {
  readonly #options: CompactorOptions;
  #samples: Sample[] = [];
  #compacted = 0;
  /** When the key was last seen to be written, by its revision. */
  #claimed = 0;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onError, isStorageShared = false } = this.#options;
    const period = isStorageShared ? sharedPeriodMs : periodMs;
    while (!signal.aborted) {
      try {
        await this.#compact();
      } catch (error) {
        onError(error);
      }
      await clock.sleep(period, signal).catch(() => {});
    }
  }

  async #compact(): Promise<void> {
    const { storage, clock, onCompacted } = this.#options;
    const now = clock.monotonic();
    this.#samples.push({ at: now, revision: await storage.currentRevision() });
    const target = compactionTarget(this.#samples, now, this.#options.isStorageShared ? Infinity : keptRevisions);
    if (target <= this.#compacted) return;
    try {
      if (!this.#options.isStorageShared || (await this.#claim(target))) await storage.compact(target);
    } catch (error) {
      // This server before it was restarted, or another one of the same storage, came first.
      if (!(error instanceof CompactedError)) throw error;
    }
    this.#compacted = target;
    this.#samples = this.#samples.filter(({ revision }) => revision > target);
    onCompacted(target);
  }

  /** False when another server has compacted since this one last tried: it has had this turn. */
  async #claim(target: number): Promise<boolean> {
    const result = await this.#options.storage.transact({
      compare: [{ key: compactKey, modRevision: this.#claimed }],
      operations: [{ type: 'put', key: compactKey, value: String(target) }],
    });
    this.#claimed = result.succeeded ? result.revision : (result.current[0]?.modRevision ?? 0);
    return result.succeeded;
  }
}
