// Applies the iptables tables, a family at a time: `iptables-restore` knows no transaction over both.
import type { TableUpdate } from '../../iptables/ruleset.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { NftEvent } from '../../nftables/events.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Follow } from '../../system/follow.ts';
import { type Backend, type Condition, planAll, type RuleCounts, type Sync } from '../backend.ts';
import type { ProxyConfig } from '../config.ts';
import { Monitor } from '../monitor.ts';
import type { ServicePortPlan } from '../plan.ts';
import { baseJumps } from './base.ts';
import { Edits } from './edits.ts';
import { type Footprint, iptablesFootprint, removeFootprint } from './footprint.ts';
import { withMissingJumps } from './jumps.ts';
import type { KernelFacts } from './kernel-facts.ts';
import { chains, isServiceChain } from './names.ts';
import { hasChain, restore, save } from './programs.ts';
import { IptablesState } from './state.ts';

const canaryTables = ['mangle', 'nat', 'filter'] as const;

/** When nothing was heard for so long after we wrote, nothing of it is to come; milliseconds. */
const quiet = 1000;

export interface IptablesBackendOptions {
  readonly exec: Exec;
  /** Both are needed to hear of rules that someone else removes. */
  readonly clock?: Clock | undefined;
  readonly follow?: Follow | undefined;
  readonly kernel?: KernelFacts | undefined;
}

export class IptablesBackend implements Backend {
  readonly #exec: Exec;
  readonly #options: IptablesBackendOptions;
  readonly #monitor: Monitor | undefined;
  readonly #edits = new Edits();
  /** Someone else changed what is ours. */
  #broken = false;
  #changed: () => void = () => {};
  #lastHeard = 0;
  #writing = false;
  #settling = false;
  #states = new Map<IPFamily, IptablesState>();
  #whole = true;
  /** Rules of the last sync, by family and table. */
  readonly #lastWritten = new Map<string, number>();

  constructor(options: IptablesBackendOptions) {
    this.#options = options;
    this.#exec = options.exec;
    const { exec, clock, follow } = options;
    if (!clock || !follow) return;
    const look = () => this.#changed();
    this.#monitor = new Monitor({
      exec,
      clock,
      follow,
      heard: (event) => this.#hear(event),
      listens: look,
      ended: look,
    });
  }

  configure(configs: readonly ProxyConfig[]): void {
    this.#states = new Map(
      configs.map((config) => [config.family, new IptablesState({ ...config, kernel: this.#options.kernel })]),
    );
    this.#whole = true;
  }

  set(family: IPFamily, owner: string, plan: ServicePortPlan | undefined): void {
    this.#states.get(family)?.set(owner, plan);
  }

  async sync(how: Sync): Promise<void> {
    planAll(how);
    const whole = how.full || this.#whole;
    this.#whole = true;
    this.#writing = true;
    try {
      if (whole) await this.#writeAll();
      else await this.#writeChanges();
      this.#whole = false;
    } finally {
      this.#writing = false;
    }
  }

  async #writeAll(): Promise<void> {
    const write = async () => {
      for (const [family, state] of this.#states) await this.#syncAll(family, state);
      // What was heard of was before.
      this.#edits.settle();
      this.#broken = false;
    };
    await (this.#monitor ? this.#monitor.silenced(write) : write());
  }

  async #writeChanges(): Promise<void> {
    for (const [family, state] of this.#states) {
      if (!state.hasChanges) continue;
      const updates = state.take();
      this.#edits.announce(updates.length);
      this.#settleLater();
      await this.#restore(family, updates);
    }
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
    const broken = this.#broken;
    this.#broken = false;
    if (broken) return 'broken';
    for (const family of this.#states.keys()) {
      for (const table of canaryTables) {
        if (!(await hasChain(this.#exec, family, { table, chain: chains.canary }))) return 'broken';
      }
    }
    return 'intact';
  }

  /** The legacy kind tells nobody: there the canaries are looked for from time to time. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    this.#changed = changed;
    await this.#monitor?.run(signal);
  }

  #hear(event: NftEvent): void {
    this.#lastHeard = this.#options.clock?.monotonic() ?? 0;
    if (!this.#edits.read(event)) return;
    this.#broken = true;
    this.#changed();
  }

  /** Forgets what was announced and not heard of, once all is quiet. */
  #settleLater(): void {
    const { clock } = this.#options;
    if (!clock || this.#settling) return;
    this.#settling = true;
    clock.after(quiet, () => {
      this.#settling = false;
      if (this.#writing || clock.monotonic() - this.#lastHeard < quiet) this.#settleLater();
      else this.#edits.settle();
    });
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
