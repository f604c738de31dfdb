/** Time, injected so that deciding code and tests hold it still. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Milliseconds since some beginning, for how long ago something was: they only grow, whatever the time is set to (by people, by NTP,
   * after a machine slept), and mean nothing to another process.
   */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, or rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `callback` once after `ms` milliseconds; disposing the timer before then cancels it. */
  after(ms: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}
