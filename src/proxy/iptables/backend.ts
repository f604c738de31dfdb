// Applies the iptables tables, a family at a time: `iptables-restore` knows no transaction over both.
import type { TableUpdate } from '../../iptables/ruleset.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Follow } from '../../system/follow.ts';
import type { IPFamily } from '../address.ts';
import { type Backend, type Condition, planAll, type RuleCounts, type Sync } from '../backend.ts';
import type { ProxyConfig } from '../config.ts';
import type { ServicePortPlan } from '../plan.ts';
import { baseJumps } from './base.ts';
import { iptablesFootprint } from './footprint.ts';
import { withMissingJumps } from './jumps.ts';
import { chains, isServiceChain } from './names.ts';
import { type Footprint, hasChain, removeFootprint, restore, save } from './programs.ts';
import { IptablesState } from './state.ts';

const canaryTables = ['mangle', 'nat', 'filter'] as const;

/** Its lines would come in blocks of 4 KB; `stdbuf` makes each come at once. */
const monitorCommand = ['stdbuf', '-oL', 'xtables-monitor', '-e'];

/** How long to wait before a monitor that ended is started again, in milliseconds. */
const monitorRestart = 1000;

export interface IptablesBackendOptions {
  readonly exec: Exec;
  /** Both are needed to hear of rules that someone else removes. */
  readonly clock?: Clock | undefined;
  readonly follow?: Follow | undefined;
}

/** What we never do ourselves while we run: remove a canary, or a jump from a chain of the kernel. */
function isRemoval(line: string): boolean {
  return / -X KUBE-PROXY-CANARY| -D (PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) .*-j KUBE-/.test(line);
}

export class IptablesBackend implements Backend {
  readonly #exec: Exec;
  readonly #options: IptablesBackendOptions;
  #removed = false;
  #states = new Map<IPFamily, IptablesState>();
  #whole = true;
  /** Rules of the last sync, by family and table. */
  readonly #lastWritten = new Map<string, number>();

  constructor(options: IptablesBackendOptions) {
    this.#options = options;
    this.#exec = options.exec;
  }

  configure(configs: readonly ProxyConfig[]): void {
    this.#states = new Map(configs.map((config) => [config.family, new IptablesState(config)]));
    this.#whole = true;
  }

  set(family: IPFamily, owner: string, plan: ServicePortPlan | undefined): void {
    this.#states.get(family)?.set(owner, plan);
  }

  async sync(how: Sync): Promise<void> {
    planAll(how);
    const whole = how.full || this.#whole;
    this.#whole = true;
    for (const [family, state] of this.#states) {
      if (whole) await this.#syncAll(family, state);
      else if (state.hasChanges) await this.#restore(family, state.take());
    }
    this.#whole = false;
  }

  rulesOf(family: IPFamily, owner: string): readonly string[] {
    return this.#states.get(family)?.rulesOf(owner) ?? [];
  }

  ruleCounts(): readonly RuleCounts[] {
    return [...this.#states].flatMap(([family, state]) => {
      const total = state.ruleCounts();
      return (['filter', 'nat'] as const).map((table) => {
        const last = this.#lastWritten.get(`${family} ${table}`) ?? 0;
        return { table, family, total: total[table], last };
      });
    });
  }

  async condition(): Promise<Condition> {
    const removed = this.#removed;
    this.#removed = false;
    if (removed) return 'broken';
    for (const family of this.#states.keys()) {
      for (const table of canaryTables) {
        if (!(await hasChain(this.#exec, family, { table, chain: chains.canary }))) return 'broken';
      }
    }
    return 'intact';
  }

  /** The legacy kind tells nobody: there the canaries are looked for from time to time. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const { follow, clock } = this.#options;
    if (!follow || !clock) return;
    while (!signal.aborted) {
      try {
        for await (const line of follow.lines(monitorCommand, signal)) {
          if (!isRemoval(line)) continue;
          this.#removed = true;
          changed();
        }
        await clock.sleep(monitorRestart, signal);
      } catch {
        // The program is missing or the signal aborted.
        return;
      }
    }
  }

  async #syncAll(family: IPFamily, state: IptablesState): Promise<void> {
    const saved = await save(this.#exec, family);
    const present = saved.find((table) => table.name === 'nat')?.chains.keys() ?? [];
    const updates = state.takeAll([...present].filter(isServiceChain)).map((update): TableUpdate => {
      const whole = { ...update, chains: [...update.chains, { name: chains.canary, rules: [] }] };
      return withMissingJumps(whole, baseJumps(), saved);
    });
    updates.push({ name: 'mangle', chains: [{ name: chains.canary, rules: [] }] });
    await this.#restore(family, updates);
  }

  async #restore(family: IPFamily, updates: readonly TableUpdate[]): Promise<void> {
    await restore(this.#exec, family, updates);
    for (const { name, chains: own } of updates) {
      const rules = own.reduce((sum, chain) => sum + chain.rules.length, 0);
      this.#lastWritten.set(`${family} ${name}`, rules);
    }
  }
}

/** Takes the jumps and chains of kube-proxy's iptables mode out of both families, but for what another mode uses, too. */
export function cleanupIptables(exec: Exec, kept?: Footprint): Promise<void> {
  return removeFootprint(exec, iptablesFootprint, kept);
}
