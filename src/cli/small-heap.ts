// Keeps the heap of a long-lived process small. Before V8 looks through old objects again, it lets them grow to up to four
// times what was in use; with 30,000 objects that is 60 MB of garbage. A part of it at a time costs a few collections more:
// for a small heap they would come often, so its part is larger.
import { flushCompileCache } from 'node:module';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const largeHeapBytes = 64 << 20;
const lookMs = 1000;

/**
 * To be called once all that is needed at the start is loaded: compiled code is kept for equal flags only. What only the start
 * needed is given back.
 */
export function keepHeapSmall(): void {
  flushCompileCache();
  collectGarbage();
  setFlagsFromString('--heap-growing-percent=60');
  const look = setInterval(() => {
    if (getHeapStatistics().used_heap_size < largeHeapBytes) return;
    setFlagsFromString('--heap-growing-percent=30');
    clearInterval(look);
  }, lookMs).unref();
}

/** All of it, and memory that stands empty goes back: some 60 ms in a server that was just started. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
