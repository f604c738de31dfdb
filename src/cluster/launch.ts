// How this program starts itself again as another process.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
/** In a published package this file and main are emitted JavaScript. */
const main = existsSync(source) ? source : fileURLToPath(new URL('../cli/main.js', import.meta.url));

/**
 * Small heaps collected more often: the parts are idle most of the time, and a young generation of two megabytes per
 * half-space keeps what they hold resident near what they use. The launcher starts the program with the same flags, since
 * compiled code is kept for equal flags only.
 */
const memoryFlags = ['--max-semi-space-size=2', '--disable-warning=ExperimentalWarning'];

export function selfCommand(args: readonly string[]): string[] {
  return [process.execPath, ...memoryFlags, main, ...args];
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
