// Pods of a node that fail again and again, because its kubelet refuses them for one: each time the node is left alone for
// longer (upstream's failedPodsBackoff). Pure.

/** Milliseconds: the first wait, doubling, and the longest. */
const firstWait = 1000;
const longestWait = 15 * 60_000;

export interface FailedPod {
  /** When a failed pod was last taken away, in milliseconds as the clock's `monotonic`, and how long the next one stays. */
  readonly time: number;
  readonly wait: number;
}

/** Milliseconds until a failed pod may be taken away; 0: now. */
export function waitLeft(last: FailedPod | undefined, now: number): number {
  return last === undefined || isForgotten(last, now) ? 0 : Math.max(0, last.time + last.wait - now);
}

/** With one more failed pod taken away. */
export function anotherFailed(last: FailedPod | undefined, now: number): FailedPod {
  const wait = last === undefined || isForgotten(last, now) ? firstWait : Math.min(last.wait * 2, longestWait);
  return { time: now, wait };
}

function isForgotten({ time }: FailedPod, now: number): boolean {
  return now - time > 2 * longestWait;
}
