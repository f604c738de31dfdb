/** One line of a benchmark. */
export interface Measurement {
  readonly what: string;
  readonly ours: number;
  /** The same work at its bare limit; absent where there is none. */
  readonly bare?: number;
  readonly unit: string;
  /** What it should be at most, or for rates at least; `–` where nothing is asked. */
  readonly budget: string;
}

/** What the runner gives a bench. */
export interface BenchContext {
  /** Says on one line what is measured now. */
  readonly progress: (text: string) => void;
  /** Does the work, then undoes what it made: also when it fails, or when the run is interrupted. */
  readonly undoing: <T>(undo: () => Promise<unknown>, work: () => Promise<T>) => Promise<T>;
}
