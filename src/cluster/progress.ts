// What `up` tells while it works: one line for each phase that ended, and on a terminal a last line with those under way.
import type { Clock } from '../system/clock.ts';

export interface PhaseTime {
  readonly phase: string;
  /** Milliseconds since the start of the whole work. */
  readonly ended: number;
  readonly took: number;
}

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  /** Width of a terminal. */
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Phases may run side by side. */
export class Progress {
  readonly times: PhaseTime[] = [];
  readonly #clock: Clock;
  readonly #output: ProgressOutput | undefined;
  readonly #start: number;
  readonly #running = new Set<string>();

  constructor(clock: Clock, output?: ProgressOutput) {
    this.#clock = clock;
    this.#output = output;
    this.#start = clock.monotonic();
  }

  get elapsed(): number {
    return this.#clock.monotonic() - this.#start;
  }

  /** Runs `work` as the phase `name`. `detail` adds what came of it to its line. */
  async phase<T>(name: string, work: () => Promise<T>, detail?: (result: T) => string): Promise<T> {
    const began = this.elapsed;
    this.#running.add(name);
    this.#draw();
    try {
      const result = await work();
      const time = { phase: name, ended: this.elapsed, took: this.elapsed - began };
      this.times.push(time);
      this.#running.delete(name);
      this.#line(`  ${name.padEnd(18)} ${seconds(time.took)}   ${detail?.(result) ?? ''}`.trimEnd());
      return result;
    } finally {
      this.#running.delete(name);
      this.#draw();
    }
  }

  /** One line beside the phases. */
  note(text: string): void {
    this.#line(`  ${text}`);
  }

  #line(text: string): void {
    this.#output?.write(`${this.#output.isTTY ? '\r\x1b[K' : ''}${text}\n`);
    this.#draw();
  }

  #draw(): void {
    if (!this.#output?.isTTY) return;
    const waiting = [...this.#running].join(', ');
    // A line that wraps could not be taken back whole.
    const line = waiting && `  … ${waiting}`.slice(0, (this.#output.columns ?? 80) - 1);
    this.#output.write(`\r\x1b[K${line}`);
  }
}

/** `0.52 s`, right-aligned. */
function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`.padStart(7);
}
