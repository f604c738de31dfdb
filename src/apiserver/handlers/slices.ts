// Long work on many objects, in slices: other requests have their turn in between, however many such lists are being made.

import type { StoredObject } from '../watch-cache/stored-object.ts';

/** Objects looked at, or sent, before others have their turn, … */
const mostObjects = 256;
/** … and characters, or bytes, of them: some milliseconds' work. */
const mostLength = 512 * 1024;

interface Slicing<T> {
  /** Characters or bytes. */
  readonly lengthOf: (item: T) => number;
}

/** Of stored objects, by the characters of their JSON. */
export const byText: Slicing<StoredObject> = { lengthOf: ({ value }) => value.length };

/** Whether there is more than one slice. */
export function isLong<T>(items: readonly T[], { lengthOf }: Slicing<T>): boolean {
  return endOfSlice(items, 0, lengthOf) < items.length;
}

/** All of the items in order; none of the slices is empty. */
export async function* slices<T>(items: readonly T[], { lengthOf }: Slicing<T>): AsyncGenerator<readonly T[]> {
  for (let start = 0; start < items.length; ) {
    if (start > 0) await turn();
    const end = endOfSlice(items, start, lengthOf);
    yield items.slice(start, end);
    start = end;
  }
}

function endOfSlice<T>(items: readonly T[], start: number, lengthOf: (item: T) => number): number {
  const most = Math.min(items.length, start + mostObjects);
  let end = start;
  for (let length = 0; end < most && length < mostLength; end++) length += lengthOf(items[end]!);
  return end;
}

const waiting: (() => void)[] = [];

/** One slice of all lists in a turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(next);
  });
}

function next(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
}
