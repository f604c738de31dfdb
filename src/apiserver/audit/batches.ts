// Events gathered into batches for a backend that is far away, as kube-apiserver's `--audit-webhook-batch-*` ask: full ones leave
// at once, others after a while, not too many in a second; what no longer fits is dropped.
import type { Clock } from '../../system/clock.ts';

export interface BatchOptions {
  /** Events that wait while batches are held back; more are dropped. */
  readonly bufferSize: number;
  readonly maxSize: number;
  /** Milliseconds that a batch waits for more. */
  readonly maxWait: number;
  /** Undefined: batches are not held back. */
  readonly throttle?: Throttle;
}

/** Batches in a second on average, and at once after a quiet time. */
export interface Throttle {
  readonly qps: number;
  readonly burst: number;
}

export interface BatchesOptions extends BatchOptions {
  readonly clock: Clock;
  /** Never rejects. */
  readonly send: (lines: readonly string[]) => Promise<unknown>;
  /** An event found no room. */
  readonly onDropped: () => void;
}

export class Batches {
  readonly #options: BatchesOptions;
  readonly #bucket: TokenBucket | undefined;
  readonly #sending = new Set<Promise<unknown>>();
  #batch: string[] = [];
  /** What comes while a batch is held back. */
  #buffer: string[] = [];
  /** The batch that is held back. */
  #held: { readonly lines: readonly string[]; readonly timer: { cancel(): void } } | undefined;
  #timer: { cancel(): void } | undefined;

  constructor(options: BatchesOptions) {
    this.#options = options;
    this.#bucket = options.throttle && new TokenBucket(options.throttle, options.clock);
  }

  add(line: string): void {
    const { bufferSize, maxSize, maxWait, clock, onDropped } = this.#options;
    if (this.#held) {
      if (this.#buffer.length >= bufferSize) onDropped();
      else this.#buffer.push(line);
      return;
    }
    this.#batch.push(line);
    if (this.#batch.length >= maxSize) this.#flush();
    else this.#timer ??= clock.after(maxWait, () => this.#flush());
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const lines = this.#batch;
    this.#batch = [];
    if (lines.length === 0) return;
    const wait = this.#bucket?.take() ?? 0;
    if (wait === 0) {
      this.#send(lines);
      return;
    }
    const timer = this.#options.clock.after(wait, () => {
      this.#held = undefined;
      this.#send(lines);
      for (const line of this.#buffer.splice(0)) this.add(line);
    });
    this.#held = { lines, timer };
  }

  #send(lines: readonly string[]): void {
    const sending = this.#options.send(lines).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** Sends what is left, held back no longer; resolves when all is sent, or could not be. */
  async close(): Promise<void> {
    const { maxSize } = this.#options;
    this.#timer?.cancel();
    this.#held?.timer.cancel();
    const left = [...(this.#held?.lines ?? []), ...this.#batch, ...this.#buffer];
    this.#held = undefined;
    this.#batch = [];
    this.#buffer = [];
    for (let start = 0; start < left.length; start += maxSize) this.#send(left.slice(start, start + maxSize));
    await Promise.all(this.#sending);
  }
}

class TokenBucket {
  readonly #throttle: Throttle;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(throttle: Throttle, clock: Clock) {
    this.#throttle = throttle;
    this.#clock = clock;
    this.#tokens = throttle.burst;
    this.#at = clock.monotonic();
  }

  /** Takes one that may only come: returns the milliseconds until it does. */
  take(): number {
    const { qps, burst } = this.#throttle;
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) / 1000) * qps) - 1;
    this.#at = now;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / qps) * 1000);
  }
}
