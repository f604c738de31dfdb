// What a bench leaves on the machine (clusters, namespaces) is taken away when it ends, whichever way it ends.
import type { BenchContext } from './measurement.ts';

/** `name` begins every line of progress. After SIGINT or SIGTERM the process ends with 130 as soon as all is undone. */
export function benchContext(name: string): BenchContext {
  const undos: (() => Promise<unknown>)[] = [];
  let isInterrupted = false;
  const interrupted = async () => {
    if (isInterrupted) return;
    isInterrupted = true;
    process.stderr.write(`bench: ${name}: interrupted, cleaning up …\n`);
    for (const undo of undos.toReversed()) {
      await undo().catch((error: unknown) => process.stderr.write(`bench: ${name}: ${error}\n`));
    }
    process.exit(130);
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  return {
    progress: (text) => process.stderr.write(`bench: ${name}: ${text}\n`),
    async undoing(undo, work) {
      undos.push(undo);
      try {
        return await work();
      } finally {
        // Interrupted work fails because what it needs is taken away: that is over when the process ends.
        if (isInterrupted) await new Promise(() => {});
        undos.splice(undos.indexOf(undo), 1);
        await undo();
      }
    },
  };
}
