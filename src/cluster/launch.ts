// How this program starts itself again as another process.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
/** In a published package this file and main are emitted JavaScript. */
const main = existsSync(source) ? source : fileURLToPath(new URL('../cli/main.js', import.meta.url));

/**
 * How V8 keeps memory here. The launcher starts the program with the same flags, since compiled code is kept for equal flags
 * only.
 *
 * - Small heaps collected more often: the parts are idle most of the time, and a young generation of two megabytes per
 *   half-space keeps what they hold resident near what they use.
 * - All objects begin young. V8 otherwise learns at start, when what is made stays (the control loops' informers, the bootstrap
 *   objects), that such objects are better made old; then each request's are, too, and all that they point to lives until a
 *   full collection: a third of the time of a GET.
 */
export const engineFlags: readonly string[] = ['--max-semi-space-size=2', '--no-allocation-site-pretenuring'];

/**
 * What an agent has beside these: it mostly waits, and there may be many on a machine. Its old generation is collected when it
 * has grown by two megabytes, not by eight. (To optimize functions later saves 5 MB more, pages of the compilers that all
 * processes share, and costs DNS a third of its speed for a quarter of a million queries.)
 */
export const agentEngineFlags: readonly string[] = ['--optimize-for-size'];

export function selfCommand(args: readonly string[]): string[] {
  const more = args[0] === 'agent' ? agentEngineFlags : [];
  return [process.execPath, ...engineFlags, ...more, '--disable-warning=ExperimentalWarning', main, ...args];
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
