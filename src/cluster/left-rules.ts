// Rules of an agent in the machine's own namespace. Packets between pods of one node pass them too, since bridges call what
// stands on the host (bridge-nf): pods of a cluster that `up` brings up may not reach each other then.
import { tableName as policies } from '../networkpolicy/render.ts';
import { table as podNetwork } from '../podnetwork/masquerade.ts';
import { tableName as proxy } from '../proxy/nftables/base.ts';
import type { Exec } from '../system/exec.ts';

const agentTables = [podNetwork, policies, proxy];

/**
 * A warning of one line that says how to remove them; undefined where there are none. An agent that runs on the machine itself
 * has them rightly, so nothing is removed here. `except` is the table of the cluster itself.
 */
export async function warnOfLeftRules(exec: Exec, except: string): Promise<string | undefined> {
  const { stdout } = await exec.run(['nft', 'list', 'tables']);
  const tables = stdout.split('\n').filter((line) => {
    const [kind, , name = ''] = line.trim().split(' ');
    return kind === 'table' && name !== except && agentTables.includes(name);
  });
  if (tables.length === 0) return undefined;
  const names = new Set(tables.map((line) => line.trim().split(' ')[2]));
  const removal = tables.map((line) => `delete ${line.trim()}`).join('; ');
  return `warning: this machine's own namespace has rules of an agent (${[...names].join(', ')}) that can cut off pods of this cluster; unless an agent runs there, remove them: nft '${removal}'`;
}
