// Compares what `nft -s list table` prints with what the table should hold.
import type { Table } from '../../nftables/ruleset.ts';

interface Block {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
}

/** The sets, maps and chains of a listing. */
function* blocksOf(listing: string): Iterable<Block> {
  for (const [, kind = '', name = '', text = ''] of listing.matchAll(/^\t(set|map|chain) (\S+) \{\n(.*?)^\t\}$/gms)) {
    yield { kind, name, text };
  }
}

/** How nft writes an element that has a comment, a counter or a timeout is of no concern: none of ours has one. */
function holdsElements(text: string, wanted: ReadonlyMap<string, string>): boolean {
  const start = text.indexOf('elements = {');
  if (start < 0) return wanted.size === 0;
  const body = text.slice(start + 'elements = {'.length, text.lastIndexOf('}'));
  let count = 0;
  for (const part of body.split(',')) {
    const element = part.trim();
    const colon = element.indexOf(' : ');
    const key = colon < 0 ? element : element.slice(0, colon);
    if (wanted.get(key) !== (colon < 0 ? '' : element.slice(colon + 3))) return false;
    count += 1;
  }
  return count === wanted.size;
}

function rulesIn(text: string): number {
  return text.split('\n').filter((line) => line.trim() !== '' && !/^\t\t(type \S+ hook|comment) /.test(line)).length;
}

/**
 * Whether a listing shows all elements, no others, and as many rules in each chain as there should be. Sets that fill
 * themselves are not looked into.
 */
export function matchesListing(table: Table, listing: string): boolean {
  let found = 0;
  for (const { kind, name, text } of blocksOf(listing)) {
    found += 1;
    if (kind === 'chain') {
      if (rulesIn(text) !== table.chains.get(name)?.rules.length) return false;
      continue;
    }
    const set = table.sets.get(name);
    if (!set) return false;
    if (!set.declaration.flags?.includes('dynamic') && !holdsElements(text, set.elements)) return false;
  }
  return found === table.chains.size + table.sets.size;
}
