// What the kernel remembers of clients with session affinity. Sets go with their table, so when that is written anew their
// elements are read before and added again: a restart of the proxy sends no client elsewhere, as in kube-proxy, which never
// takes these sets away while their endpoints are there.
import type { NftFamily } from '../../nftables/ruleset.ts';
import type { Transaction } from '../../nftables/transaction.ts';
import type { Exec } from '../../system/exec.ts';
import { affinitySetPrefix } from './affinity.ts';
import { tableName } from './base.ts';

/** By the name of an affinity set, the addresses in it, each with the seconds for which it stays. */
export type Memory = ReadonlyMap<string, readonly Client[]>;

interface Client {
  readonly address: string;
  readonly expires: number;
}

/** libnftables-json(5), as far as sets of addresses with a timeout need it. */
interface ListedSet {
  readonly name: string;
  readonly table: string;
  readonly elem?: readonly { readonly elem?: { readonly val?: unknown; readonly expires?: number } }[];
}

const nothing: Memory = new Map();

/** Of one family's table. What cannot be read is not remembered: that must not keep rules from being written. */
export async function readMemory(exec: Exec, family: NftFamily): Promise<Memory> {
  // Of no set its elements: most tables have many, and none of affinity.
  const terse = await exec.run(['nft', '-t', 'list', 'sets', family]);
  if (terse.code !== 0 || !terse.stdout.includes(`set ${affinitySetPrefix}`)) return nothing;
  // One by one would take longer, and nft 1.0.6 finds only the last of those that it is asked for together.
  const { code, stdout } = await exec.run(['nft', '-j', 'list', 'sets', family]);
  try {
    return code === 0 ? parseMemory(stdout) : nothing;
  } catch {
    return nothing;
  }
}

/** Throws for what is no listing. */
function parseMemory(text: string): Memory {
  const memory = new Map<string, readonly Client[]>();
  for (const { set } of (JSON.parse(text) as { nftables: { set?: ListedSet }[] }).nftables) {
    if (set?.table !== tableName || !set.name.startsWith(affinitySetPrefix)) continue;
    const clients = (set.elem ?? []).flatMap(({ elem }) =>
      typeof elem?.val === 'string' && elem.expires ? { address: elem.val, expires: elem.expires } : [],
    );
    if (clients.length > 0) memory.set(set.name, clients);
  }
  return memory;
}

/**
 * Adds the clients to those sets that there are still, given by their names with their timeouts in seconds; undefined when there
 * is none. Nobody stays longer than the timeout says now: the kernel would refuse it.
 */
export function memoryTransaction(
  family: NftFamily,
  memory: Memory,
  timeouts: ReadonlyMap<string, number>,
): Transaction | undefined {
  const operations = [...memory].flatMap(([set, clients]) => {
    const timeout = timeouts.get(set);
    if (timeout === undefined) return [];
    const elements = clients.map(
      ({ address, expires }) => [`${address} expires ${Math.min(expires, timeout)}s`, ''] as const,
    );
    return [{ op: 'add-elements', set, elements } as const];
  });
  return operations.length > 0 ? { family, table: tableName, operations } : undefined;
}
