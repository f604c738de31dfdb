// Applies the nftables tables of both families, each sync in one transaction of the kernel.
import { renderTransaction } from '../../nftables/render.ts';
import type { Table } from '../../nftables/ruleset.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Follow } from '../../system/follow.ts';
import type { IPFamily } from '../address.ts';
import { type Backend, planAll, type Sync, SyncError } from '../backend.ts';
import type { ProxyConfig } from '../config.ts';
import type { ServicePortPlan } from '../plan.ts';
import { nftFamily, tableName } from './base.ts';
import { fillingScript } from './filling.ts';
import { Generations, monitorCommand, type Suspicion } from './generations.ts';
import { matchesListing } from './listing.ts';
import { longestLine, NftSession } from './nft-session.ts';
import { NftablesState } from './state.ts';

export interface NftablesBackendOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly follow?: Follow | undefined;
}

/** How long to wait before a monitor that ended is started again, in milliseconds. */
const monitorRestart = 1000;

/** So long after its start a monitor surely listens, in milliseconds; what happened before is looked for then. */
const monitorStart = 250;

/** Generations of others that come together are compared once, in milliseconds. */
const leastWait = 50;

/** Between two comparisons of all elements there is so many times the time that one takes. */
const comparisonShare = 5;

/** After so many comparisons in a row that failed though all had been written, what nft prints is not what we know. */
const mostMismatches = 3;

export class NftablesBackend implements Backend {
  readonly #options: NftablesBackendOptions;
  readonly #generations = new Generations();
  #states = new Map<IPFamily, NftablesState>();
  #session: NftSession | undefined;
  #whole = true;
  /** Someone changed what is ours. */
  #edited = false;
  /** A comparison is to come. */
  #comparing = false;
  /** How often something was written. */
  #writes = 0;
  #nextComparison = 0;
  #mismatches = 0;
  /** Resolves when all of it is written; undefined while nobody writes all of it. */
  #writing: Promise<void> | undefined;
  #writingChanges = false;
  /** Ends the monitor that runs. */
  #paused: AbortController | undefined;

  constructor(options: NftablesBackendOptions) {
    this.#options = options;
  }

  configure(configs: readonly ProxyConfig[]): void {
    this.#states = new Map(configs.map((config) => [config.family, new NftablesState(config)]));
    this.#whole = true;
  }

  set(family: IPFamily, owner: string, plan: ServicePortPlan | undefined): void {
    this.#states.get(family)?.set(owner, plan);
  }

  async sync(how: Sync): Promise<void> {
    const states = [...this.#states.values()];
    const isNew = states.length > 0 && states.every((state) => state.isEmpty);
    if (!isNew) planAll(how);
    const whole = how.full || this.#whole;
    const transactions = isNew ? [] : states.map((state) => (whole ? state.takeAll() : state.take()));
    const script = transactions.map((transaction) => (transaction ? renderTransaction(transaction) : '')).join('');
    if (script === '' && !isNew) return;
    this.#writes += 1;
    // Until the kernel has taken it, nothing is known of what the kernel holds.
    this.#whole = true;
    if (isNew) await this.#writeAll(fillingScript(states, how.planning));
    else await (whole ? this.#writeAll(script) : this.#writeChanges(script));
    this.#whole = false;
  }

  rulesOf(family: IPFamily, owner: string): readonly string[] {
    return this.#states.get(family)?.rulesOf(owner) ?? [];
  }

  async intact(): Promise<boolean> {
    const edited = this.#edited;
    this.#edited = false;
    if (edited) return false;
    for (const state of this.#states.values()) if (!(await this.#hasChains(state))) return false;
    return true;
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const { follow, clock } = this.#options;
    if (!follow) return;
    const session = new NftSession(follow);
    this.#session = session;
    signal.addEventListener('abort', () => session.end(), { once: true });
    try {
      const hears = await this.#hasMonitor();
      while (!signal.aborted) {
        await this.#writing;
        const paused = new AbortController();
        this.#paused = paused;
        const following = { follow, signal: AbortSignal.any([signal, paused.signal]) };
        if (hears) {
          clock.after(monitorStart, () => this.#listen(changed));
        }
        await (hears ? this.#followGenerations(changed, following) : followTables(changed, following));
        if (paused.signal.aborted || signal.aborted) continue;
        // It missed whatever came after what it ended at: when another listens, elements are compared.
        this.#suspect(this.#generations.end(), changed);
        await clock.sleep(monitorRestart, signal);
      }
    } catch {
      // The program is missing or the signal aborted: rules are still checked from time to time.
    }
  }

  /** A monitor listens by now: from here on generations are counted, and what came before is looked for. */
  #listen(changed: () => void): void {
    // Whether it heard of the transaction on its way, nobody knows: that would spoil the count.
    if (this.#writingChanges) {
      this.#options.clock.after(monitorStart, () => this.#listen(changed));
      return;
    }
    this.#generations.restart();
    changed();
  }

  /**
   * Writes all of it while no monitor runs: the kernel would tell it of each element, which takes as long again, and more
   * than its socket holds.
   */
  async #writeAll(script: string | Iterable<string>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#writing = promise;
    this.#paused?.abort();
    try {
      await runNft(this.#options.exec, script);
      // What was suspected was before.
      this.#edited = false;
    } finally {
      this.#writing = undefined;
      resolve();
    }
  }

  async #writeChanges(script: string): Promise<void> {
    this.#generations.announce();
    this.#writingChanges = true;
    try {
      await this.#transact(script);
    } catch (error) {
      this.#generations.withdraw();
      throw error;
    } finally {
      this.#writingChanges = false;
    }
  }

  async #transact(script: string): Promise<void> {
    const session = this.#session;
    if (session?.usable && script.length <= longestLine) {
      try {
        return await session.run(script);
      } catch (error) {
        if (session.usable) throw error;
      }
    }
    await runNft(this.#options.exec, script);
  }

  async #hasMonitor(): Promise<boolean> {
    try {
      // 125 and above: stdbuf found no such program.
      return (await this.#options.exec.run([...monitorCommand, '--help'])).code < 125;
    } catch {
      return false;
    }
  }

  async #hasChains(state: NftablesState): Promise<boolean> {
    const { family, chains } = state.expectation();
    const { code, stdout } = await this.#options.exec.run(['nft', 'list', 'chains', family]);
    if (code !== 0) return false;
    // Of every table its chains are listed, ours among them.
    const [, own = ''] = stdout.split(`table ${family} ${tableName} {`);
    const listed = new Set([...own.split('\n}')[0]!.matchAll(/\bchain (\S+)/g)].map((match) => match[1]!));
    return chains.every((chain) => listed.has(chain));
  }

  /**
   * Compares all elements with the kernel's, beside the syncs, since nft takes a second to list 50,000. When something was
   * written meanwhile, the comparison says nothing and is to be made again. Gives what is suspected after it.
   */
  async #compare(): Promise<Suspicion | undefined> {
    const { clock } = this.#options;
    if (this.#mismatches >= mostMismatches) return undefined;
    const start = clock.now();
    const writes = this.#writes;
    const isQuiet = () => writes === this.#writes && !this.#whole;
    const matches = isQuiet() && (await this.#matches([...this.#states.values()].map((state) => state.table())));
    this.#nextComparison = clock.now() + comparisonShare * (clock.now() - start);
    if (!isQuiet()) return 'elements';
    this.#mismatches = matches ? 0 : this.#mismatches + 1;
    return matches ? undefined : 'edited';
  }

  async #matches(tables: readonly Table[]): Promise<boolean> {
    for (const table of tables) {
      const { code, stdout } = await this.#options.exec.run(['nft', '-s', 'list', 'table', table.family, table.name]);
      if (code !== 0 || !matchesListing(table, stdout)) return false;
    }
    return true;
  }

  /** Follows all generations until the monitor ends. */
  async #followGenerations(changed: () => void, { follow, signal }: Following): Promise<void> {
    for await (const line of follow.lines(monitorCommand, signal)) {
      const suspicion = this.#generations.read(line);
      if (suspicion) this.#suspect(suspicion, changed);
    }
  }

  #suspect(suspicion: Suspicion, changed: () => void): void {
    const { clock } = this.#options;
    if (suspicion === 'edited') {
      this.#edited = true;
      changed();
      return;
    }
    if (this.#comparing) return;
    this.#comparing = true;
    clock.after(Math.max(leastWait, this.#nextComparison - clock.now()), async () => {
      // A kernel that cannot be asked is found out by the next sync.
      const next = await this.#compare().catch(() => undefined);
      // One listing at a time: with many elements and a busy machine each takes long.
      this.#comparing = false;
      if (next) this.#suspect(next, changed);
    });
  }
}

interface Following {
  readonly follow: Follow;
  readonly signal: AbortSignal;
}

/** Where there is no other monitor: calls back when a table of ours is deleted, until the monitor ends. */
async function followTables(changed: () => void, { follow, signal }: Following): Promise<void> {
  for await (const line of follow.lines(['nft', 'monitor', 'destroy', 'tables'], signal)) {
    if (line.endsWith(` ${tableName}`)) changed();
  }
}

/** What `nft -f -` reads it reads to its end before it looks at it; a pipe by another name it takes in as it comes. */
const nftFromPipe = ['sh', '-c', 'cat | nft -f /proc/self/fd/0'];

async function runNft(exec: Exec, script: string | Iterable<string>): Promise<void> {
  const command = typeof script === 'string' ? ['nft', '-f', '-'] : nftFromPipe;
  const { code, stderr } = await exec.run(command, { input: script });
  if (code !== 0)
    throw new SyncError(`nft: ${stderr.trim().split('\n').slice(0, 3).join(' | ') || `exit code ${code}`}`);
}

/** Removes the tables of both families; nothing happens where there are none. */
export async function cleanupNftables(exec: Exec): Promise<void> {
  const families = (['IPv4', 'IPv6'] as const).map((family) => nftFamily({ family }));
  await runNft(
    exec,
    families.map((family) => `add table ${family} ${tableName}\ndelete table ${family} ${tableName}\n`).join(''),
  );
}
