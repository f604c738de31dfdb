// What a mode leaves among the rules of iptables, and how it is taken away.
import type { TableName, TableUpdate } from '../../iptables/ruleset.ts';
import type { Exec } from '../../system/exec.ts';
import { baseJumps } from './base.ts';
import { countJump, type Jump } from './jumps.ts';
import { chains, isServiceChain } from './names.ts';
import { restore, save } from './programs.ts';

/** What of a mode is in the kernel: its chains, and the jumps to them. */
export interface Footprint {
  readonly jumps: readonly Jump[];
  isOwn(table: string, chain: string): boolean;
}

const shared = new Set<string>(Object.values(chains));

/** What the iptables mode leaves in the kernel. */
export const iptablesFootprint: Footprint = {
  jumps: baseJumps(),
  isOwn: (_table, chain) => isServiceChain(chain) || shared.has(chain),
};

/** Takes a mode's jumps and chains out of both families, but for those that another mode uses, too. */
export async function removeFootprint(exec: Exec, mode: Footprint, kept?: Footprint): Promise<void> {
  const isKept = (jump: Jump) => kept?.jumps.some((other) => JSON.stringify(other) === JSON.stringify(jump));
  const jumps = mode.jumps.filter((jump) => !isKept(jump));
  for (const family of ['IPv4', 'IPv6'] as const) {
    const saved = await save(exec, family);
    const updates = saved.flatMap(({ name, chains }): TableUpdate[] => {
      const remove = [...chains.keys()].filter((chain) => mode.isOwn(name, chain) && !kept?.isOwn(name, chain));
      const take = jumps
        .filter((jump) => jump.table === name)
        .flatMap((jump) => {
          const one = { chain: jump.from, rule: jump.rule };
          return new Array<typeof one>(countJump(saved, jump)).fill(one);
        });
      return remove.length + take.length === 0 ? [] : [{ name: name as TableName, chains: [], take, remove }];
    });
    if (updates.length > 0) await restore(exec, family, updates);
  }
}
