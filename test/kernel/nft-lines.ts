// What a table of nftables holds, for comparing.
import type { TestNamespace } from './netns.ts';

/** The table line by line and element by element, without the order; fails when it is not there. */
export function nftLines(space: TestNamespace, family: 'ip' | 'ip6', table = 'portico-proxy'): string[] {
  return space
    .run(`nft -s list table ${family} ${table}`)
    .split(/\n|(?<=[^{]), ?(?=\S+ \. |\d)/)
    .map((line) => line.replace(/elements = \{|\}$|,$/g, '').trim())
    .filter((line) => line !== '')
    .sort();
}
