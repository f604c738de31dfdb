// Keys in order, with cheap changes: a list of short sorted runs, so that a new key moves few others however many there
// are. Kubernetes' keys are ASCII, so the order of UTF-16 units is the order of bytes.

/** A run that grows beyond this is cut in two. */
const longestRun = 512;

export class SortedKeys {
  /** None is empty; every key of a run is before every key of the next. */
  #runs: string[][] = [];
  #size = 0;
  /** The run that was looked for last: keys that come together mostly lie together. */
  #last = 0;

  get size(): number {
    return this.#size;
  }

  /** Takes these keys instead of what was there; they may come in any order, each once. */
  reset(keys: Iterable<string>): void {
    const sorted = [...keys].sort();
    this.#size = sorted.length;
    this.#runs = [];
    const length = longestRun / 2;
    for (let start = 0; start < sorted.length; start += length) this.#runs.push(sorted.slice(start, start + length));
  }

  /** Adds a key that is not there yet. */
  add(key: string): void {
    this.#size += 1;
    const at = this.#runOf(key);
    const run = this.#runs[at];
    if (!run) {
      this.#runs.push([key]);
      return;
    }
    const last = run[run.length - 1];
    if (last !== undefined && last < key) run.push(key);
    else run.splice(position(run, key), 0, key);
    // What comes in order leaves full runs behind, what does not leaves halves.
    if (run.length > longestRun) {
      const cut = at === this.#runs.length - 1 && run.at(-1) === key ? longestRun : longestRun / 2;
      this.#runs.splice(at + 1, 0, run.splice(cut));
    }
  }

  /** Takes out a key that is there. */
  delete(key: string): void {
    const at = this.#runOf(key);
    const run = this.#runs[at];
    const index = run ? position(run, key) : -1;
    if (run?.[index] !== key) return;
    this.#size -= 1;
    if (run.length === 1) this.#runs.splice(at, 1);
    else run.splice(index, 1);
  }

  /** The keys that start with the prefix, in order. Nothing may change the keys in between. */
  *startingWith(prefix: string): Generator<string> {
    let index: number | undefined;
    for (let at = this.#runOf(prefix); at < this.#runs.length; at++) {
      const run = this.#runs[at] ?? [];
      for (index ??= position(run, prefix); index < run.length; index++) {
        const key = run[index] ?? '';
        if (!key.startsWith(prefix)) return;
        yield key;
      }
      index = 0;
    }
  }

  /** The run in which a key is or would be put: the last one that begins at or before it. */
  #runOf(key: string): number {
    const runs = this.#runs;
    const last = this.#last;
    if (last < runs.length && runs[last]![0]! <= key && (last + 1 === runs.length || key < runs[last + 1]![0]!))
      return last;
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (runs[middle]![0]! <= key) low = middle + 1;
      else high = middle;
    }
    this.#last = Math.max(low - 1, 0);
    return this.#last;
  }
}

/** The index of the first key that is not less than `key`. */
function position(run: readonly string[], key: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((run[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
