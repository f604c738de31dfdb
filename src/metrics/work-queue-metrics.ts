// What happens in queues of keys, under the names that client-go gives it (k8s.io/component-base/metrics workqueue_*).
import { CollectedFamily, Counter, type Family, Gauge, Histogram } from './metric.ts';

/** 10 ns to 10 s, by tens. */
const bounds = Array.from({ length: 10 }, (_, i) => Number(`1e${i - 8}`));
const labels = ['name'];

export class WorkQueueMetrics {
  readonly #depth = new Gauge({ name: 'workqueue_depth', help: 'Current depth of workqueue', labels });
  readonly #adds = new Counter({
    name: 'workqueue_adds_total',
    help: 'Total number of adds handled by workqueue',
    labels,
  });
  readonly #retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Total number of retries handled by workqueue',
    labels,
  });
  readonly #waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long in seconds an item stays in workqueue before being requested.',
    labels,
    bounds,
  });
  readonly #worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long in seconds processing an item from workqueue takes.',
    labels,
    bounds,
  });
  /** When the keys that are worked on were begun, by queue. */
  readonly #begun = new Map<string, Map<unknown, number>>();
  readonly #now: () => number;

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get families(): readonly Family[] {
    const gauge = (name: string, help: string, summary: (ages: readonly number[]) => number) =>
      new CollectedFamily({ name, help, labels, type: 'gauge' }, () => this.#ages(summary));
    return [
      this.#depth,
      this.#adds,
      this.#retries,
      this.#waited,
      this.#worked,
      gauge(
        'workqueue_unfinished_work_seconds',
        "How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.",
        (ages) => ages.reduce((sum, age) => sum + age, 0),
      ),
      gauge(
        'workqueue_longest_running_processor_seconds',
        'How many seconds has the longest running processor for workqueue been running.',
        (ages) => Math.max(0, ...ages),
      ),
    ];
  }

  *#ages(summary: (ages: readonly number[]) => number): Generator<readonly [readonly string[], number]> {
    const now = this.#now();
    for (const [name, begun] of this.#begun) {
      yield [[name], summary([...begun.values()].map((since) => (now - since) / 1000))];
    }
  }

  /** To be told of what happens in one queue. */
  queue(name: string) {
    const [depth, adds, retries] = [this.#depth.with(name), this.#adds.with(name), this.#retries.with(name)];
    const [waited, worked] = [this.#waited.with(name), this.#worked.with(name)];
    const waiting = new Map<unknown, number>();
    const begun = new Map<unknown, number>();
    this.#begun.set(name, begun);
    const now = this.#now;
    return {
      added(key: unknown): void {
        adds.add();
        waiting.set(key, now());
        depth.set(waiting.size);
      },
      begun(key: unknown): void {
        const at = now();
        waited.observe((at - (waiting.get(key) ?? at)) / 1000);
        waiting.delete(key);
        depth.set(waiting.size);
        begun.set(key, at);
      },
      done(key: unknown): void {
        const at = now();
        worked.observe((at - (begun.get(key) ?? at)) / 1000);
        begun.delete(key);
      },
      retried(): void {
        retries.add();
      },
      ended(): void {
        waiting.clear();
        depth.set(0);
      },
    };
  }
}
