// The history as lines of text, so that it outlives the process: a head that says when it began, then changes as they come,
// and from time to time up to which revision nothing is missing.
import type { Moment } from '../picture/picture.ts';
import type { HistoryLimits, Recorded } from './history.ts';

type Line = { readonly began: Moment } | { readonly change: Recorded } | { readonly complete: number };

export interface Kept {
  readonly began: Moment;
  /** Oldest first. */
  readonly changes: readonly Recorded[];
  /** The world is known as of this revision: what came later is not in the record. */
  readonly complete: number;
}

export function logLine(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/**
 * Reads lines one by one. One that was cut off, by the end of a process or of the disk, is passed over: what it said was
 * found by comparison, or said again.
 */
export class LogReader {
  readonly #limits: HistoryLimits;
  #began: Moment | undefined;
  #changes: Recorded[] = [];
  #complete = 0;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  read(text: string): void {
    const line = parsed(text);
    if (!line) return;
    if ('began' in line) this.#began ??= line.began;
    if ('change' in line) this.#changes.push(line.change);
    this.#complete = Math.max(this.#complete, revisionIn(line));
  }

  /** What is neither too old nor too much; undefined when there is nothing to go on from. `now` is milliseconds. */
  kept(now: number): Kept | undefined {
    if (!this.#began) return undefined;
    const { maxAge, maxChanges } = this.#limits;
    const changes = this.#changes.toSorted((a, b) => a.revision - b.revision);
    const recent = changes.findIndex(({ time }) => time >= now - maxAge);
    const from = Math.max(0, changes.length - maxChanges, recent < 0 ? changes.length : recent);
    const { revision, time } = changes[from - 1] ?? this.#began;
    return { began: { revision, time }, changes: changes.slice(from), complete: this.#complete };
  }
}

function revisionIn(line: Line): number {
  if ('complete' in line) return line.complete;
  return 'change' in line ? line.change.revision : line.began.revision;
}

function parsed(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
