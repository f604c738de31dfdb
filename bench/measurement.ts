/** One line of a benchmark. */
export interface Measurement {
  readonly what: string;
  readonly ours: number;
  /** The same work at its bare limit; absent where there is none. */
  readonly bare?: number;
  readonly unit: string;
  /** What design section 8 asks for, as it says it. */
  readonly budget: string;
}
