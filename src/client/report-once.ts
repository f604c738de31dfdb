// What is tried again each second while a server is away would fill a log with one line.
import { dropOldest } from '../apimachinery/drop-oldest.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { Clock } from '../system/clock.ts';

/** A line that was not said of its matter for so long (ms) is news again. */
const memory = 60_000;
/** Objects of which something was said are matters too. */
const mostMatters = 1000;

/** Logs a line of a matter when the one before it was another, or is long past: not at every attempt. */
export function onlyNews(log: (line: string) => void, clock: Clock): (matter: string, line: string) => void {
  const told = new Map<string, { readonly line: string; readonly at: number }>();
  return (matter, line) => {
    const last = told.get(matter);
    const at = clock.monotonic();
    told.delete(matter);
    told.set(matter, { line, at });
    dropOldest(told, mostMatters);
    if (last?.line !== line || at - last.at > memory) log(line);
  };
}

/** The same for what failed: as `what: the error's message`. */
export function reportOnce(log: (line: string) => void, clock: Clock): (error: unknown, what: string) => void {
  const say = onlyNews(log, clock);
  return (error, what) => say(what, `${what}: ${errorMessage(error)}`);
}
