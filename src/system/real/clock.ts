import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** Milliseconds, some 25 days: a timer of Node.js that is set for longer goes off at once. */
const longest = 2 ** 31 - 1;

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      let rest = ms;
      for (; rest > longest; rest -= longest) await delay(longest, undefined, { signal });
      await delay(rest, undefined, { signal });
    } catch {
      // Node.js rejects with an error of its own, whose cause the reason is.
      throw signal?.reason;
    }
  },
  after(ms, callback) {
    let rest = ms;
    let timer: NodeJS.Timeout;
    const wait = () => {
      const step = Math.max(0, Math.min(rest, longest));
      rest -= step;
      timer = setTimeout(rest > 0 ? wait : callback, step);
    };
    wait();
    return { cancel: () => clearTimeout(timer) };
  },
};
