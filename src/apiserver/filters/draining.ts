// The end of a server that others still send clients to (upstream server/filters/with_retry_after.go): first it goes on as ever while
// /readyz says that it ends, then it sends away who comes, and waits for those whose answers are being made.
import type { Clock } from '../../system/clock.ts';
import type { Handler } from '../listener.ts';
import { type ApiResponse, textResponse } from '../request.ts';

/** Who looks whether it ended is answered to the last. */
const alwaysAnswered = ['/readyz', '/livez', '/healthz', '/metrics'];

export class Draining {
  #isRefusing = false;
  #answering = 0;
  #answered: (() => void) | undefined;

  around(handler: Handler): Handler {
    return async (request) => {
      if (this.#isRefusing && !alwaysAnswered.some((path) => request.path.startsWith(path))) return comeAgain();
      this.#answering += 1;
      try {
        return await handler(request);
      } finally {
        this.#answering -= 1;
        if (this.#answering === 0) this.#answered?.();
      }
    };
  }

  /** From now on requests are sent away. Resolves when the answers under way are made, or after `patience` milliseconds. */
  async refuse(clock: Clock, patience: number): Promise<void> {
    this.#isRefusing = true;
    if (this.#answering === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    const late = clock.after(patience, resolve);
    await promise;
    late.cancel();
  }
}

function comeAgain(): ApiResponse {
  const response = textResponse(429, 'The apiserver is shutting down, please try again later.\n');
  return { ...response, headers: { ...response.headers, 'retry-after': '5', connection: 'close' } };
}
