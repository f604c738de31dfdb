// Ends stale UDP flows with the `conntrack` program, and keeps trying where that fails: a flow that is left stays for as long
// as its client sends.

import type { IPFamily } from '../../net/ip.ts';
import type { Clock, Timer } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import { canonicalIP } from '../address.ts';
import { interfaceAddresses } from '../interface-addresses.ts';
import type { ServicePortPlan } from '../plan.ts';
import type { PortChange } from '../proxier.ts';
import { type Flow, parseFlows, staleFlows, type UdpPort, udpPortOf } from './stale-flows.ts';

export interface UdpCleanupOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  /** All plans in force. */
  readonly plans: () => Iterable<ServicePortPlan>;
  /** Called for each family that was looked through; `seconds` is how long it all took. */
  readonly onReconciled?: (family: IPFamily, result: { readonly seconds: number; readonly ended: number }) => void;
}

const retryAfter = 30_000;

export class UdpCleanup {
  readonly #options: UdpCleanupOptions;
  /** What is not looked through yet: ports as they were, by what of them counts, and the families of all that changed. */
  #gone = new Map<string, UdpPort>();
  #families = new Set<IPFamily>();
  #retry: Timer | undefined;
  #stopped = false;

  constructor(options: UdpCleanupOptions) {
    this.#options = options;
  }

  /**
   * After a sync: ends the UDP flows that its changes made stale, and those left by earlier ones. Rejects when that fails, and
   * tries again later.
   */
  async synced(changes: readonly PortChange[]): Promise<void> {
    let isAny = false;
    for (const { family, before, after } of changes) {
      const [old, now] = [before, after].map((plan) => plan && udpPortOf(plan));
      if (JSON.stringify(old) === JSON.stringify(now)) continue;
      isAny = true;
      this.#families.add(family);
      if (old) this.#gone.set(JSON.stringify({ ...old, serving: [] }), old);
    }
    if (isAny) await this.#look();
  }

  /** Tries nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
  }

  async #look(): Promise<void> {
    this.#retry?.cancel();
    const { clock, onReconciled } = this.#options;
    const start = clock.monotonic();
    const [gone, families] = [this.#gone, this.#families];
    this.#gone = new Map();
    this.#families = new Set();
    try {
      for (const family of families) {
        const ended = await this.#endStale(family, [...gone.values()]);
        onReconciled?.(family, { seconds: (clock.monotonic() - start) / 1000, ended });
      }
    } catch (error) {
      // Where there is no such program there will be none in half a minute.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
      this.#gone = new Map([...gone, ...this.#gone]);
      this.#families = new Set([...families, ...this.#families]);
      this.#retry?.cancel();
      // What failed is told of once, by whoever waits for the first try.
      if (!this.#stopped) this.#retry = clock.after(retryAfter, () => void this.#look().catch(() => {}));
      throw error;
    }
  }

  async #endStale(family: IPFamily, gone: readonly UdpPort[]): Promise<number> {
    const { exec, plans } = this.#options;
    // Not those of the Node object alone: node ports are asked at 127.0.0.1 and at bridges of pods, too.
    const nodeAddresses = await interfaceAddresses(exec);
    const flows = await listFlows(exec, family);
    const ports: UdpPort[] = [];
    for (const plan of plans()) {
      const port = udpPortOf(plan);
      if (port) ports.push(port);
    }
    const kinds = new Map(
      staleFlows(flows, { ports, gone, nodeAddresses }).map((flow) => [JSON.stringify(flow), flow] as const),
    );
    let ended = 0;
    for (const flow of kinds.values()) ended += await endFlows(exec, family, flow);
    return ended;
  }
}

async function listFlows(exec: Exec, family: IPFamily): Promise<Flow[]> {
  const { code, stdout, stderr } = await exec.run(['conntrack', '-L', '-p', 'udp', '-f', family.toLowerCase()]);
  if (code !== 0) throw new Error(`conntrack: ${stderr.trim().split('\n')[0]}`);
  return parseFlows(stdout).map((flow) => ({
    ...flow,
    destination: canonicalIP(flow.destination),
    replySource: canonicalIP(flow.replySource),
  }));
}

/** Ends all flows of a kind, whoever their clients are. Returns how many there were. */
async function endFlows(exec: Exec, family: IPFamily, flow: Flow): Promise<number> {
  const original = ['--orig-dst', flow.destination, '--orig-port-dst', String(flow.destinationPort)];
  const reply = ['--reply-src', flow.replySource, '--reply-port-src', String(flow.replySourcePort)];
  // Code 1 means that nothing was left to delete, which is as good.
  const { stderr } = await exec.run([
    'conntrack',
    '-D',
    '-p',
    'udp',
    '-f',
    family.toLowerCase(),
    ...original,
    ...reply,
  ]);
  return Number(/ (\d+) flow entries have been deleted/.exec(stderr)?.[1] ?? 0);
}
