// How this program starts itself again as another process.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
/** In a published package this file and main are emitted JavaScript. */
const main = existsSync(source) ? source : fileURLToPath(new URL('../cli/main.js', import.meta.url));

/**
 * How V8 keeps memory in the process that runs a command. The launcher starts the program with the same flags.
 *
 * - Small heaps collected more often: the parts are idle most of the time, and a young generation of two megabytes per
 *   half-space keeps what they hold resident near what they use. (`--optimize-for-size` would save an agent 6 MB more, and cost
 *   it 20 ms of each pod's start.) The control plane has four: the requests that are under way at one time have to fit in several
 *   times, or each collection copies most of them, a fifth of a write's time.
 * - All objects begin young. V8 otherwise learns at start, when what is made stays (the control loops' informers, the bootstrap
 *   objects), that such objects are better made old; then each request's are, too, and all that they point to lives until a
 *   full collection: a third of the time of a GET.
 * - One thread helps the control plane to collect, not four: each collection ends with its last helper, and on a busy machine of
 *   two cores that one waits for its turn. A tenth of a write's time.
 * - The control plane collects what is young when there is no room left, and not at four fifths already, where V8 thinks that it has
 *   time: a busy server has none, and collects a quarter more often. A hundredth of a write's time.
 */
export function engineFlags(command: string | undefined): readonly string[] {
  const forServer = ['--max-semi-space-size=4', '--v8-pool-size=1', '--no-minor-gc-task'];
  const heap = command === 'server' ? forServer : ['--max-semi-space-size=2'];
  return [...heap, '--no-allocation-site-pretenuring'];
}

export function selfCommand(args: readonly string[]): string[] {
  return [process.execPath, ...engineFlags(args[0]), '--disable-warning=ExperimentalWarning', main, ...args];
}

/**
 * For processes that are to stay small (the launcher sets the same for `agent` and `dns`): glibc keeps one arena in place of one
 * per thread, and memory that is freed leaves the process.
 */
export const smallMallocEnvironment: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_TOP_PAD_: '65536',
};
