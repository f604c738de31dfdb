// Nodes of a zone begin to lose their pods one after the other (upstream RateLimitedTimedQueue: a token bucket of one).

interface Bucket {
  /** Nodes a second. */
  readonly rate: number;
  /** When the next node may begin, by the `now` that is asked with. */
  readonly next: number;
}

export class EvictionPace {
  readonly #zones = new Map<string, Bucket>();

  /** Whether a node of the zone may begin now; the next one then waits. A zone that rested begins with a wait. */
  begins(zone: string, rate: number, now: number): boolean {
    const { next } = this.#bucket(zone, rate, now);
    if (rate <= 0 || next > now) return false;
    this.#zones.set(zone, { rate, next: now + 1000 / rate });
    return true;
  }

  /** The bucket of the zone, a new one where the rate is another: full only where the old one was. */
  #bucket(zone: string, rate: number, now: number): Bucket {
    const present = this.#zones.get(zone);
    if (present?.rate === rate) return present;
    const waits = present !== undefined && (present.rate <= 0 || present.next > now);
    const bucket = { rate, next: waits ? now + 1000 / rate : now };
    this.#zones.set(zone, bucket);
    return bucket;
  }
}
