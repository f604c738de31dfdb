// Applies the nftables tables of both families, each sync in one transaction of the kernel.

import type { IPFamily } from '../../net/ip.ts';
import type { ElementEvent, NftEvent } from '../../nftables/events.ts';
import { renderRemoval, renderTransaction } from '../../nftables/render.ts';
import { isDeletionOf, tableMonitor } from '../../nftables/table-monitor.ts';
import type { Transaction } from '../../nftables/transaction.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Follow } from '../../system/follow.ts';
import { type Backend, type Condition, planAll, type Sync, SyncError } from '../backend.ts';
import type { ProxyConfig } from '../config.ts';
import { Monitor } from '../monitor.ts';
import type { ServicePortPlan } from '../plan.ts';
import { nftFamily, tableName } from './base.ts';
import { Comparison } from './comparison.ts';
import { Contest } from './contest.ts';
import { fillingScript } from './filling.ts';
import { Generations } from './generations.ts';
import { memoryTransaction, readMemory } from './memory.ts';
import { longestLine, NftSession } from './nft-session.ts';
import { NftablesState } from './state.ts';

export interface NftablesBackendOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly follow?: Follow | undefined;
}

/** How long to let a transaction on its way arrive, in milliseconds. */
const writingWait = 250;

export class NftablesBackend implements Backend {
  readonly #options: NftablesBackendOptions;
  readonly #generations = new Generations();
  #states = new Map<IPFamily, NftablesState>();
  #session: NftSession | undefined;
  #whole = true;
  readonly #comparison: Comparison;
  /** What someone else did to what is ours. */
  #condition: Condition = 'intact';
  /** Looks again at once. */
  #changed: () => void = () => {};
  #writingChanges = false;
  /** How often all was written: from the second time on someone may be at it, who was not heard meanwhile. */
  #timesWritten = 0;
  readonly #contest = new Contest();
  #nextRepair = 0;
  readonly #monitor: Monitor;

  constructor(options: NftablesBackendOptions) {
    this.#options = options;
    this.#comparison = new Comparison({
      ...options,
      states: () => this.#states.values(),
      standing: () => (this.#writingChanges ? 'writing' : this.#whole ? 'unknown' : 'settled'),
      onDifference: (what) => this.#found(what === 'elements' ? 'edited' : 'broken'),
    });
    this.#monitor = new Monitor({
      ...options,
      heard: (event) => this.#hear(event),
      listens: () => this.#listen(),
      ended: () => this.#lost(),
    });
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
    const whole = states.length > 0 && (how.full || this.#whole);
    const isNew = whole && states.every((state) => state.isEmpty);
    if (!isNew) planAll(how);
    const script = whole ? '' : scriptOf(states.map((state) => state.take()));
    if (!whole && script === '') return;
    // Until the kernel has taken it, nothing is known of what the kernel holds.
    this.#whole = true;
    if (whole) await this.#writeAll(states, isNew ? how.planning : undefined);
    else await this.#writeChanges(script);
    this.#whole = false;
  }

  rulesOf(family: IPFamily, owner: string): readonly string[] {
    return this.#states.get(family)?.rulesOf(owner) ?? [];
  }

  async condition(): Promise<Condition> {
    const condition = this.#condition;
    this.#condition = 'intact';
    // What is known to differ is put right at once; a look would make it wait.
    if (condition !== 'intact') return condition;
    for (const state of this.#states.values()) if (!(await this.#hasChains(state))) return 'broken';
    return condition;
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const { follow, clock } = this.#options;
    if (!follow) return;
    this.#changed = changed;
    const session = new NftSession(follow, clock);
    this.#session = session;
    signal.addEventListener('abort', () => session.end(), { once: true });
    if (!(await this.#monitor.run(signal))) await this.#watchTables(follow, signal);
  }

  /** Where there is no monitor, at least of deleted tables nft tells. */
  async #watchTables(follow: Follow, signal: AbortSignal): Promise<void> {
    try {
      for await (const line of follow.lines(tableMonitor, signal)) {
        if (isDeletionOf(tableName, line)) this.#changed();
      }
    } catch {
      // There is no such nft either: rules are looked for from time to time.
    }
  }

  #hear(event: NftEvent): void {
    const edit = this.#generations.read(event);
    if (!edit) return;
    if (edit.structure) {
      this.#found('broken');
      return;
    }
    this.#putRight(edit.elements);
    // Whether our own transactions were taken for theirs only the kernel can tell.
    this.#comparison.suspect('elements');
  }

  /** Elements are put right from what was heard alone, which takes the same time whatever the size of the tables. */
  #putRight(elements: readonly ElementEvent[]): void {
    const { clock } = this.#options;
    if (this.#whole || clock.monotonic() < this.#nextRepair) return;
    const states = [...this.#states.values()];
    const findings = elements.map((event) => states.find(({ family }) => family === event.family)?.heard(event));
    if (!findings.includes('element')) return;
    this.#nextRepair = this.#contest.found(clock.monotonic());
    this.#found('edited');
  }

  /** The monitor missed whatever came after what it ended at. */
  #lost(): void {
    if (this.#generations.end() === 'edited') this.#found('broken');
    else this.#comparison.suspect('all');
  }

  /** A monitor listens by now: from here on generations are counted, and what came before is looked for. */
  #listen(): void {
    // Whether it heard of the transaction on its way, nobody knows: that would spoil the count.
    if (this.#writingChanges) {
      this.#options.clock.after(writingWait, () => this.#listen());
      return;
    }
    this.#generations.restart();
    this.#changed();
    if (this.#timesWritten > 1) this.#comparison.suspect('elements');
  }

  /** All tables, with the clients that the kernel remembers; written while they are planned where that is still to be done. */
  async #writeAll(states: readonly NftablesState[], planning: Iterable<void> | undefined): Promise<void> {
    const { exec } = this.#options;
    const memories = await Promise.all(states.map(({ family }) => readMemory(exec, family)));
    const remembering = () =>
      scriptOf(states.map((state, i) => memoryTransaction(state.family, memories[i]!, state.affinityTimeouts())));
    function* filling(): Iterable<string> {
      yield* fillingScript(states, planning);
      yield remembering();
    }
    const script = planning ? filling() : scriptOf(states.map((state) => state.takeAll())) + remembering();
    await this.#monitor.silenced(async () => {
      await runNft(exec, script);
      // What was found was before.
      this.#condition = 'intact';
      this.#timesWritten += 1;
    });
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

  async #hasChains(state: NftablesState): Promise<boolean> {
    const { family } = state;
    const { code, stdout } = await this.#options.exec.run(['nft', 'list', 'chains', family]);
    if (code !== 0) return false;
    // Of every table its chains are listed, ours among them.
    const [, own = ''] = stdout.split(`table ${family} ${tableName} {`);
    const listed = new Set([...own.split('\n}')[0]!.matchAll(/\bchain (\S+)/g)].map((match) => match[1]!));
    return state.constantChains().every((chain) => listed.has(chain));
  }

  /** Nothing that is found can make up for what was found to be broken before. */
  #found(condition: Condition): void {
    if (this.#condition !== 'broken') this.#condition = condition;
    this.#changed();
  }
}

/** What `nft -f -` reads it reads to its end before it looks at it; a pipe by another name it takes in as it comes. */
const nftFromPipe = ['sh', '-c', 'cat | nft -f /proc/self/fd/0'];

/** What a shell, and Exec, give for a program that SIGSEGV ended. */
const crashed = 139;

/** nft 1.0.6 does not survive sets with one field, and maps of verdicts, that nft 1.1.3 or newer declared, whosever they are. */
const perhapsNewerRules = '; old ones do, over sets that a newer nft wrote in any table: use one as new as that';

function scriptOf(transactions: readonly (Transaction | undefined)[]): string {
  return transactions.map((transaction) => (transaction ? renderTransaction(transaction) : '')).join('');
}

async function runNft(exec: Exec, script: string | Iterable<string>): Promise<void> {
  const command = typeof script === 'string' ? ['nft', '-f', '-'] : nftFromPipe;
  const { code, stderr } = await exec.run(command, { input: script });
  if (code === crashed) throw new SyncError(`nft crashed${perhapsNewerRules}`);
  if (code !== 0)
    throw new SyncError(`nft: ${stderr.trim().split('\n').slice(0, 3).join(' | ') || `exit code ${code}`}`);
}

/** Removes the tables of both families; nothing happens where there are none. */
export async function cleanupNftables(exec: Exec): Promise<void> {
  const families = (['IPv4', 'IPv6'] as const).map((family) => nftFamily({ family }));
  await runNft(exec, families.map((family) => renderRemoval({ family, name: tableName })).join(''));
}
