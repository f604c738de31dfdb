// What controllers count: their queues, and what each of them has of its own.
import type { Family } from './metric.ts';
import { WorkQueueMetrics } from './work-queue-metrics.ts';

export class ControllersMetrics {
  readonly #queues: WorkQueueMetrics;
  readonly #own = new Map<string, readonly Family[]>();

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#queues = new WorkQueueMetrics(now);
  }

  get families(): readonly Family[] {
    const own = {
      print: () =>
        [...this.#own.values()]
          .flat()
          .map((family) => family.print())
          .join(''),
    };
    return [...this.#queues.families, own];
  }

  /** To be told of what happens in one queue. */
  queue(name: string) {
    return this.#queues.queue(name);
  }

  /** A controller's own families. They take the place of those that it had in an earlier term of this process. */
  own(controller: string, families: readonly Family[]): void {
    this.#own.set(controller, families);
  }
}
