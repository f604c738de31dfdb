// How much one source may say of one object (client-go's EventSourceObjectSpamFilter): 25 Events at once, then one every five
// minutes. What is always broken would else write without end.
import { dropOldest } from '../apimachinery/drop-oldest.ts';

const burst = 25;
const refill = 300_000;
const mostKnown = 4096;

interface Bucket {
  left: number;
  /** In milliseconds, by the clock of who asks. */
  at: number;
}

export class EventSpamFilter {
  readonly #buckets = new Map<string, Bucket>();

  /** Whether one more may be written; it is counted then. */
  accepts(key: string, now: number): boolean {
    const bucket = this.#buckets.get(key) ?? { left: burst, at: now };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    dropOldest(this.#buckets, mostKnown);
    bucket.left = Math.min(burst, bucket.left + Math.max(0, now - bucket.at) / refill);
    bucket.at = Math.max(now, bucket.at);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }
}
