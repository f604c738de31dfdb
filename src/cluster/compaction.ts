// Keeps the store from growing without bound: what was superseded a while ago is forgotten.
import { CompactedError, type Storage } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';

/** As kube-apiserver's --etcd-compaction-interval. Watches and paged lists may go back one to two such periods. */
const periodMs = 5 * 60_000;

/** Runs until the signal aborts. Each period it forgets what was superseded before the last one began. */
export async function runCompaction(storage: Storage, clock: Clock, signal: AbortSignal): Promise<void> {
  let before = await storage.currentRevision();
  while (!signal.aborted) {
    try {
      await clock.sleep(periodMs, signal);
    } catch {
      return;
    }
    try {
      const now = await storage.currentRevision();
      if (before > 1) await storage.compact(before);
      before = now;
    } catch (error) {
      // Another server over the same store was quicker.
      if (!(error instanceof CompactedError)) throw error;
      before = await storage.currentRevision();
    }
  }
}
