// iptables-save and iptables-restore of either family.
import { parseSave, type SavedTable } from '../../iptables/parse.ts';
import { renderUpdate } from '../../iptables/render.ts';
import type { TableName, TableUpdate } from '../../iptables/ruleset.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { Exec } from '../../system/exec.ts';
import { SyncError } from '../backend.ts';

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
