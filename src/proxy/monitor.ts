// Listens to what anyone writes to the kernel's tables of rules: the messages of netlink's group of nftables, which tell of each
// chain, rule and element, and at its end of each transaction. They come through socat, which copies them; that costs nothing
// while nothing happens. (`nft monitor` would print the same, but holds a copy of every element of every table for it: 100 MB
// for 55,000; `xtables-monitor` says nothing of elements.) The legacy kind of iptables tells nobody.
import { littleEndian, type NftEvent, NftEventReader } from '../nftables/events.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Follow } from '../system/follow.ts';

export interface MonitorOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  /** Without it nothing is heard. */
  readonly follow?: Follow | undefined;
  readonly heard: (event: NftEvent) => void;
  /** A monitor surely listens by now; of what came before it may not have heard. */
  readonly listens: () => void;
  /** The monitor ended, as it does when it is told more than it can take in. */
  readonly ended: () => void;
}

/**
 * A socket of AF_NETLINK (16), raw (3), of NETLINK_NETFILTER (12). Its address has padding, port, and groups in the byte order of
 * the machine: the seventh bit is NFNLGRP_NFTABLES. Its buffer may hold as much as the system lets it.
 */
const socket = `SOCKET-RECV:16:3:12:x0000x00000000x${littleEndian ? '40000000' : '00000040'},rcvbuf=4194304`;

/** Copies the messages to its standard output, as they come. */
export const netlinkListener: readonly string[] = ['socat', '-u', '-b', '65536', socket, 'STDOUT'];

/** Ends with us, whatever we end by; not every setpriv can do that. */
const mortal: readonly string[] = ['setpriv', '--pdeathsig', 'TERM'];

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

  /** Listens until the signal aborts; gives false at once where there is no program for it. */
  async run(signal: AbortSignal): Promise<boolean> {
    const { follow, clock, ended } = this.#options;
    const command = await this.#command();
    if (!follow || !command) return false;
    while (!signal.aborted) {
      await this.#silence;
      const running = new AbortController();
      this.#running = running;
      const until = AbortSignal.any([signal, running.signal]);
      // One that could not be started has ended too: rules are still looked for from time to time.
      await this.#listen(follow.bytes(command, until), until).catch(() => {});
      if (running.signal.aborted || signal.aborted) continue;
      ended();
      await clock.sleep(restartWait, signal).catch(() => {});
    }
    return true;
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

  /** What comes after the signal is of the time of silence. */
  async #listen(messages: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const { clock, heard, listens } = this.#options;
    const timer = clock.after(startTime, listens);
    const reader = new NftEventReader();
    try {
      for await (const piece of messages) {
        if (signal.aborted) return;
        for (const event of reader.read(piece)) heard(event);
      }
    } finally {
      timer.cancel();
    }
  }

  async #command(): Promise<readonly string[] | undefined> {
    for (const before of [mortal, []])
      if (await this.#answers([...before, 'socat'])) return [...before, ...netlinkListener];
    return undefined;
  }

  async #answers(command: readonly string[]): Promise<boolean> {
    try {
      const { stdout } = await this.#options.exec.run([...command, '-V']);
      return stdout.includes('socat');
    } catch {
      return false;
    }
  }
}
