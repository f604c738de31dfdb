// The rules that lead from the kernel's own chains to a mode's, which other programs' rules stand beside.
import { commentOf, type SavedTable, targetOf } from '../../iptables/parse.ts';
import type { Chain, Rule, Table, TableName, TableUpdate } from '../../iptables/ruleset.ts';

/** A rule that leads from a chain of the kernel to one of ours. */
export interface Jump {
  readonly table: TableName;
  readonly from: string;
  readonly rule: Rule;
}

function chainOf(rule: Rule): string | undefined {
  return rule.target?.kind === 'chain' ? rule.target.chain : undefined;
}

function noteOf(rule: Rule): string | undefined {
  return rule.matches.find((match) => match.kind === 'comment')?.text;
}

function isSaved({ rule }: Jump, line: string): boolean {
  return targetOf(line) === chainOf(rule) && commentOf(line) === noteOf(rule);
}

/** How often the jump is in what was saved. */
export function countJump(saved: readonly SavedTable[], jump: Jump): number {
  const table = saved.find((candidate) => candidate.name === jump.table);
  return (table?.chains.get(jump.from) ?? []).filter((line) => isSaved(jump, line)).length;
}

/** The update, with those jumps of its table that are missing from what was saved. */
export function withMissingJumps(
  update: TableUpdate,
  jumps: readonly Jump[],
  saved: readonly SavedTable[],
): TableUpdate {
  const missing = jumps.filter((jump) => jump.table === update.name && countJump(saved, jump) === 0);
  return { ...update, insert: missing.map(({ from, rule }) => ({ chain: from, rule })) };
}

/** The tables as they are once the updates and all jumps are applied to an empty kernel. */
export function wholeTables(updates: readonly TableUpdate[], jumps: readonly Jump[]): Table[] {
  return updates.map(({ name, chains }) => {
    const builtIn = name === 'nat' ? ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'] : ['INPUT', 'FORWARD', 'OUTPUT'];
    const entry = builtIn.map((chain): Chain => {
      const rules = jumps.filter((jump) => jump.table === name && jump.from === chain).map((jump) => jump.rule);
      return { name: chain, policy: 'ACCEPT', rules: rules.reverse() };
    });
    return { name, chains: [...entry, ...chains] };
  });
}
