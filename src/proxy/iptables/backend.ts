// Applies the iptables tables, a family at a time: `iptables-restore` knows no transaction over both.
import { commentOf, parseSave, type SavedTable, targetOf } from '../../iptables/parse.ts';
import { renderUpdate } from '../../iptables/render.ts';
import type { Rule, TableUpdate } from '../../iptables/ruleset.ts';
import type { Exec } from '../../system/exec.ts';
import type { IPFamily } from '../address.ts';
import { type Backend, SyncError } from '../backend.ts';
import type { ProxyConfig } from '../config.ts';
import type { ServicePortPlan } from '../plan.ts';
import { baseJumps, type Jump } from './base.ts';
import { chains, isServiceChain } from './names.ts';
import { IptablesState } from './state.ts';

const prefixes: Readonly<Record<IPFamily, string>> = { IPv4: 'iptables', IPv6: 'ip6tables' };
const canaryTables = ['mangle', 'nat', 'filter'] as const;

export class IptablesBackend implements Backend {
  readonly #exec: Exec;
  #states = new Map<IPFamily, IptablesState>();
  #whole = true;

  constructor(options: { readonly exec: Exec }) {
    this.#exec = options.exec;
  }

  configure(configs: readonly ProxyConfig[]): void {
    this.#states = new Map(configs.map((config) => [config.family, new IptablesState(config)]));
    this.#whole = true;
  }

  set(family: IPFamily, owner: string, plan: ServicePortPlan | undefined): void {
    this.#states.get(family)?.set(owner, plan);
  }

  async sync({ full }: { readonly full: boolean }): Promise<void> {
    const whole = full || this.#whole;
    this.#whole = true;
    for (const [family, state] of this.#states) {
      if (whole) await this.#syncAll(family, state);
      else if (state.hasChanges) await restore(this.#exec, family, state.take());
    }
    this.#whole = false;
  }

  async intact(): Promise<boolean> {
    for (const family of this.#states.keys()) {
      for (const table of canaryTables) {
        const { code } = await this.#exec.run([prefixes[family], '-w', '-t', table, '-S', chains.canary]);
        if (code !== 0) return false;
      }
    }
    return true;
  }

  /** iptables tells nobody; the canaries are looked for from time to time. */
  async watch(): Promise<void> {}

  async #syncAll(family: IPFamily, state: IptablesState): Promise<void> {
    const saved = await save(this.#exec, family);
    const present = saved.find((table) => table.name === 'nat')?.chains.keys() ?? [];
    const updates = state.takeAll([...present].filter(isServiceChain)).map((update): TableUpdate => {
      const missing = missingJumps(saved, update.name);
      return {
        ...update,
        chains: [...update.chains, { name: chains.canary, rules: [] }],
        insert: missing.map(({ from, rule }) => ({ chain: from, rule })),
      };
    });
    updates.push({ name: 'mangle', chains: [{ name: chains.canary, rules: [] }] });
    await restore(this.#exec, family, updates);
  }
}

async function save(exec: Exec, family: IPFamily): Promise<SavedTable[]> {
  const program = `${prefixes[family]}-save`;
  const { code, stdout, stderr } = await exec.run([program]);
  if (code !== 0) throw new SyncError(`${program}: ${stderr.trim() || `exit code ${code}`}`);
  return parseSave(stdout);
}

async function restore(exec: Exec, family: IPFamily, updates: readonly TableUpdate[]): Promise<void> {
  const program = `${prefixes[family]}-restore`;
  const input = updates.map(renderUpdate).join('');
  const { code, stderr } = await exec.run([program, '-w', '5', '--noflush', '--counters'], { input });
  if (code !== 0) throw new SyncError(`${program}: ${stderr.trim().split('\n')[0] || `exit code ${code}`}`);
}

function chainOf(rule: Rule): string | undefined {
  return rule.target?.kind === 'chain' ? rule.target.chain : undefined;
}

function noteOf(rule: Rule): string | undefined {
  return rule.matches.find((match) => match.kind === 'comment')?.text;
}

function missingJumps(saved: readonly SavedTable[], name: string): Jump[] {
  const table = saved.find((candidate) => candidate.name === name);
  return baseJumps().filter(({ table: wanted, from, rule }) => {
    if (wanted !== name) return false;
    const present = table?.chains.get(from) ?? [];
    return !present.some((line) => targetOf(line) === chainOf(rule) && commentOf(line) === noteOf(rule));
  });
}

function ownChains(table: SavedTable): string[] {
  const shared = new Set<string>(Object.values(chains));
  return [...table.chains.keys()].filter((name) => isServiceChain(name) || shared.has(name));
}

/** Takes the jumps and chains of kube-proxy's iptables mode out of both families. */
export async function cleanupIptables(exec: Exec): Promise<void> {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const saved = await save(exec, family);
    const updates = saved.flatMap((table): TableUpdate[] => {
      const remove = ownChains(table);
      if (remove.length === 0) return [];
      const gone = new Set(remove);
      const take = baseJumps().flatMap(({ table: name, from, rule }) => {
        const present = name === table.name && gone.has(chainOf(rule)!);
        const lines = present ? (table.chains.get(from) ?? []) : [];
        const count = lines.filter(
          (line) => targetOf(line) === chainOf(rule) && commentOf(line) === noteOf(rule),
        ).length;
        return new Array<{ chain: string; rule: Rule }>(count).fill({ chain: from, rule });
      });
      return [{ name: table.name as TableUpdate['name'], chains: [], take, remove }];
    });
    if (updates.length > 0) await restore(exec, family, updates);
  }
}
