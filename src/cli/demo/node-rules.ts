// The part of a node's rules that is about one Service: the lines that name its address or its endpoints.
import { type ClusterRecord, networkLayout } from '../../cluster/layout.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { Exec } from '../../system/exec.ts';

export interface NodeRules {
  readonly node: string;
  /** How the user would see the same. */
  readonly command: string;
  readonly text: string;
}

export async function nodeRules(exec: Exec, record: ClusterRecord, node: string, family: IPFamily): Promise<NodeRules> {
  const namespace = networkLayout(record).nodes.find((n) => n.name === node)?.namespace ?? '';
  const ip = family === 'IPv4' ? 'ip' : 'ip6';
  const command = record.proxyMode === 'nftables' ? ['nft', 'list', 'ruleset', ip] : [`${ip}tables-save`, '-t', 'nat'];
  const { stdout } = await exec.run(['nsenter', `--net=/run/netns/${namespace}`, ...command]);
  return { node, command: `ip netns exec ${namespace} ${command.join(' ')}`, text: stdout };
}

/** Lines, or elements of a set or map, in which one of the words stands as a whole, each under the table, map or chain it is in. */
export function excerpt(text: string, words: readonly string[], most: number): string[] {
  const patterns = words.map(
    (word) => new RegExp(`(^|[^\\w.:-])${word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}($|[^\\w.-])`),
  );
  const found: string[] = [];
  let owner = '';
  let shownOwner = '';
  for (const line of text.split('\n')) {
    const block = /^\s*((?:table|chain|map|set) .*?) \{/.exec(line);
    if (block?.[1]) owner = block[1];
    const pieces =
      line.includes('elements = {') || /^\s*[^{]*,\s*$/.test(line)
        ? line.replace(/^\s*elements = \{/, '').split(/,(?=\s)/)
        : [line];
    for (const piece of pieces) {
      if (!patterns.some((p) => p.test(piece))) continue;
      if (owner !== shownOwner && owner !== '') found.push(`${owner}:`);
      shownOwner = owner;
      found.push(`  ${piece.trim().replace(/[,}\s]+$/, '')}`);
    }
  }
  return found.length > most ? [...found.slice(0, most), `  … and ${found.length - most} more`] : found;
}

/** Whether the lines that name one of the words lead to all these endpoints, and to none of the others. */
export function leadsTo(
  text: string,
  words: readonly string[],
  { endpoints, others = [] }: { readonly endpoints: readonly string[]; readonly others?: readonly string[] },
): boolean {
  const about = excerpt(text, words, Number.POSITIVE_INFINITY).join('\n');
  const isNamed = (ip: string) => excerpt(about, [ip], 1).length > 0;
  return endpoints.every(isNamed) && !others.some(isNamed);
}
