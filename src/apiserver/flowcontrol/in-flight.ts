// A limit to the requests that are worked on at once, with a line of those that wait for a place.

import type { NumberSeries } from '../../metrics/metric.ts';
import type { Clock } from '../../system/clock.ts';
import type { ApiMetrics } from '../metrics/api-metrics.ts';
import { type ApiResponse, textResponse, type User } from '../request.ts';
import { isLongRunning, type RequestInfo } from '../request-info.ts';

export interface InFlightLimits {
  /** Reads worked on at once; 0 is no limit. */
  readonly readOnly: number;
  /** Writes worked on at once; 0 is no limit. */
  readonly mutating: number;
}

/** kube-apiserver's defaults. */
export const defaultLimits: InFlightLimits = { readOnly: 400, mutating: 200 };

/** Upstream's longest wait: a quarter of the time that a request may take. */
const longestWaitMs = 15_000;
/** How many wait at most, for each place that there is: about as many as upstream's queues hold. */
const lineLength = 25;

interface Waiter {
  readonly admit: (admitted: boolean) => void;
}

/** Places for one sort of requests. */
class Places {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #taken: NumberSeries;
  readonly #waiting: NumberSeries;
  readonly #dropped: NumberSeries;
  readonly #line = new Set<Waiter>();

  constructor(
    kind: string,
    limit: number,
    { clock, metrics }: { readonly clock: Clock; readonly metrics: ApiMetrics },
  ) {
    this.#limit = limit;
    this.#clock = clock;
    this.#taken = metrics.inFlight.with(kind);
    this.#waiting = metrics.waiting.with(kind);
    this.#dropped = metrics.dropped.with(kind);
  }

  /** True, at once or later: there is a place, to be given back. False: there is none, nor will be soon. */
  take(): boolean | Promise<boolean> {
    if (this.#limit === 0 || this.#taken.value < this.#limit) {
      this.#taken.add(1);
      return true;
    }
    if (this.#line.size >= this.#limit * lineLength) {
      this.#dropped.add();
      return false;
    }
    return this.#wait();
  }

  #wait(): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        admit: (admitted) => {
          timer.cancel();
          this.#line.delete(waiter);
          this.#waiting.set(this.#line.size);
          if (!admitted) this.#dropped.add();
          resolve(admitted);
        },
      };
      const timer = this.#clock.after(longestWaitMs, () => waiter.admit(false));
      this.#line.add(waiter);
      this.#waiting.set(this.#line.size);
    });
  }

  /** The place goes to who waits longest. */
  give(): void {
    const [next] = this.#line;
    if (next) next.admit(true);
    else this.#taken.add(-1);
  }
}

export class InFlight {
  readonly #readOnly: Places;
  readonly #mutating: Places;

  constructor(limits: InFlightLimits, parts: { readonly clock: Clock; readonly metrics: ApiMetrics }) {
    this.#readOnly = new Places('readOnly', limits.readOnly, parts);
    this.#mutating = new Places('mutating', limits.mutating, parts);
  }

  /** The request's places; undefined where it is not counted. */
  placesFor(user: User, info: RequestInfo): Pick<Places, 'take' | 'give'> | undefined {
    if (user.groups.includes('system:masters') || isLongRunning(info) || !info.isResource) return undefined;
    return ['get', 'list'].includes(info.verb) ? this.#readOnly : this.#mutating;
  }
}

export function tooManyRequests(): ApiResponse {
  const response = textResponse(429, 'Too many requests, please try again later.\n');
  return { ...response, headers: { ...response.headers, 'retry-after': '1' } };
}
