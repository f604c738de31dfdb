// iptables-save and iptables-restore of either family.
import { parseSave, type SavedTable } from '../../iptables/parse.ts';
import { renderUpdate } from '../../iptables/render.ts';
import type { TableName, TableUpdate } from '../../iptables/ruleset.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { Exec } from '../../system/exec.ts';
import { SyncError } from '../backend.ts';
import { countJump, type Jump } from './jumps.ts';

const prefixes: Readonly<Record<IPFamily, string>> = { IPv4: 'iptables', IPv6: 'ip6tables' };

/** All tables of the family that the kernel has. Throws a SyncError where the program fails. */
export async function save(exec: Exec, family: IPFamily): Promise<SavedTable[]> {
  const program = `${prefixes[family]}-save`;
  const { code, stdout, stderr } = await exec.run([program]);
  if (code !== 0) throw new SyncError(`${program}: ${stderr.trim() || `exit code ${code}`}`);
  return parseSave(stdout);
}

/** Applies the updates table by table; a refused one throws a SyncError and leaves its table as it was. */
export async function restore(exec: Exec, family: IPFamily, updates: readonly TableUpdate[]): Promise<void> {
  const program = `${prefixes[family]}-restore`;
  const input = updates.map(renderUpdate).join('');
  const { code, stderr } = await exec.run([program, '-w', '5', '--noflush', '--counters'], { input });
  // The first line may be the program's own name only.
  if (code !== 0) throw new SyncError(`${program}: ${stderr.trim().replace(/\s*\n\s*/g, ' ') || `exit code ${code}`}`);
}

export async function hasChain(
  exec: Exec,
  family: IPFamily,
  where: { readonly table: TableName; readonly chain: string },
): Promise<boolean> {
  const { code } = await exec.run([prefixes[family], '-w', '-t', where.table, '-S', where.chain]);
  return code === 0;
}

/** What of a mode is in the kernel: its chains, and the jumps to them. */
export interface Footprint {
  readonly jumps: readonly Jump[];
  isOwn(table: string, chain: string): boolean;
}

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
