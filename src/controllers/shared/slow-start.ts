/**
 * Does `count` things in batches of 1, 2, 4, … at a time, stopping after a batch with a failure, so that what cannot work
 * is not tried hundreds of times (upstream slowStartBatch). Rejects with the first failure.
 */
export async function slowStart(count: number, act: (index: number) => Promise<void>): Promise<void> {
  let size = 1;
  for (let done = 0; done < count; ) {
    const batch = Math.min(size, count - done);
    const from = done;
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, i) => act(from + i)));
    const failed = results.find((r) => r.status === 'rejected');
    if (failed) throw failed.reason;
    done += batch;
    size *= 2;
  }
}
