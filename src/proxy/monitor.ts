// Listens to what anyone writes to the kernel's tables of rules: `xtables-monitor -e` tells of each generation of them, and before
// it of the chains and rules it touched, though not of elements. (`nft monitor` tells of these, too, but holds a copy of
// every element of every table for it: 100 MB for 55,000.) It costs nothing while nothing happens.
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Follow } from '../system/follow.ts';

export interface MonitorOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  /** Without it nothing is heard. */
  readonly follow?: Follow | undefined;
  /** A program to listen to where there is no xtables-monitor. */
  readonly otherwise?: readonly string[];
  readonly heard: (line: string) => void;
  /** A monitor surely listens by now; of what came before it may not have heard. */
  readonly listens: () => void;
  /** The monitor ended, as it does at rules it cannot print and when it is told more than it can take in. */
  readonly ended: () => void;
}

/** Its lines would come in blocks of 4 KB; `stdbuf` makes each come at once. */
const xtablesMonitor: readonly string[] = ['stdbuf', '-oL', 'xtables-monitor', '-e'];

/** Ends with us, whatever we end by; not every setpriv can do that. */
const mortalMonitor: readonly string[] = ['setpriv', '--pdeathsig', 'TERM', ...xtablesMonitor];

/** How long to wait before a monitor that ended is started again, in milliseconds. */
const restartWait = 1000;

/** So long after its start a monitor surely listens, in milliseconds. */
const startTime = 250;

export class Monitor {
  readonly #options: MonitorOptions;
  /** Resolves when nobody needs silence any more. */
  #silence: Promise<void> | undefined;
  /** Ends the program that runs. */
  #running: AbortController | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** Listens until the signal aborts; returns at once where there is no program for it. */
  async run(signal: AbortSignal): Promise<void> {
    const { follow, clock, ended } = this.#options;
    const command = await this.#command();
    if (!follow || !command) return;
    try {
      while (!signal.aborted) {
        await this.#silence;
        const running = new AbortController();
        this.#running = running;
        await this.#listen(follow.lines(command, AbortSignal.any([signal, running.signal])));
        if (running.signal.aborted || signal.aborted) continue;
        ended();
        await clock.sleep(restartWait, signal);
      }
    } catch {
      // The program is missing or the signal aborted: rules are still looked for from time to time.
    }
  }

  /**
   * Does something while no monitor runs: of all that a full sync writes the kernel would tell, which takes as long again, and is
   * more than a socket holds.
   */
  async silenced<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#silence = promise;
    this.#running?.abort();
    try {
      return await work();
    } finally {
      this.#silence = undefined;
      resolve();
    }
  }

  async #listen(lines: AsyncIterable<string>): Promise<void> {
    const { clock, heard, listens } = this.#options;
    const timer = clock.after(startTime, listens);
    try {
      for await (const line of lines) heard(line);
    } finally {
      timer.cancel();
    }
  }

  async #command(): Promise<readonly string[] | undefined> {
    for (const command of [mortalMonitor, xtablesMonitor]) if (await this.#answers(command)) return command;
    return this.#options.otherwise;
  }

  async #answers(command: readonly string[]): Promise<boolean> {
    try {
      const { stdout } = await this.#options.exec.run([...command, '--help']);
      return stdout.includes('xtables-monitor');
    } catch {
      return false;
    }
  }
}
