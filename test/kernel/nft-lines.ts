// What a table of nftables holds, for comparing.
import type { TestNamespace } from './netns.ts';

function listing(space: TestNamespace, family: 'ip' | 'ip6'): string {
  try {
    return space.run(`nft -s list table ${family} portico-proxy`);
  } catch {
    return '';
  }
}

/** The proxy's table line by line and element by element, without the order; empty when it is not there. */
export function nftLines(space: TestNamespace, family: 'ip' | 'ip6'): string[] {
  return listing(space, family)
    .split(/\n|(?<=[^{]), ?(?=\S+ \. |\d)/)
    .map((line) => line.replace(/elements = \{|\}$|,$/g, '').trim())
    .filter((line) => line !== '')
    .sort();
}
