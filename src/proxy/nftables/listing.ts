// Reads what nft lists as JSON, and compares it with what a table should hold. (As text nft writes out each word by itself, and
// looks up the name of each protocol in a file: that takes twice as long.)
import { protocolNames } from '../../nftables/element-text.ts';
import type { Table } from '../../nftables/ruleset.ts';

/** Lists without counters, and with protocols by number. */
export const listCommand: readonly string[] = ['nft', '-j', '-s', '-p', 'list'];

export interface Listing {
  /** How many rules each chain has. */
  readonly rules: ReadonlyMap<string, number>;
  /** Elements by set: keys and values in the text that they are written in, '' for those of sets. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** libnftables-json(5), as far as our elements need it; what else there may be is compared as its JSON. */
type Expression = string | number | { readonly [kind: string]: unknown };

interface ListedSet {
  readonly name: string;
  readonly elem?: readonly (Expression | readonly [Expression, Expression])[];
}

interface Listed {
  readonly chain?: { readonly name: string };
  readonly rule?: { readonly chain: string };
  readonly set?: ListedSet;
  readonly map?: ListedSet;
}

/** In keys that have a protocol, it comes before a port: which number is which is told by its place. */
function concatenation(parts: readonly Expression[]): string {
  const texts = parts.map(text);
  const place = parts.findIndex((part) => typeof part === 'number');
  const name = protocolNames.get(parts[place] as number);
  if (name !== undefined && typeof parts[place + 1] === 'number') texts[place] = name;
  return texts.join(' . ');
}

function text(expression: Expression): string {
  if (typeof expression !== 'object') return String(expression);
  const [[kind, value] = ['', undefined]] = Object.entries(expression);
  switch (kind) {
    case 'concat':
      return concatenation(value as Expression[]);
    case 'prefix': {
      const { addr, len } = value as { addr: string; len: number };
      return `${addr}/${len}`;
    }
    case 'goto':
    case 'jump':
      return `${kind} ${(value as { target: string }).target}`;
    default:
      return value === null ? kind : JSON.stringify(expression);
  }
}

function elementsOf({ elem = [] }: ListedSet): Map<string, string> {
  return new Map(
    elem.map((element) =>
      Array.isArray(element) ? [text(element[0]), text(element[1])] : [text(element as Expression), ''],
    ),
  );
}

/** Throws a SyntaxError for what is not JSON. */
export function readListing(json: string): Listing {
  const rules = new Map<string, number>();
  const sets = new Map<string, ReadonlyMap<string, string>>();
  for (const { chain, rule, set, map } of (JSON.parse(json) as { nftables: Listed[] }).nftables) {
    if (chain && !rules.has(chain.name)) rules.set(chain.name, 0);
    if (rule) rules.set(rule.chain, (rules.get(rule.chain) ?? 0) + 1);
    const own = set ?? map;
    if (own) sets.set(own.name, elementsOf(own));
  }
  return { rules, sets };
}

/** Whether each chain has as many rules as it should, and the sets are those there should be, whatever is in them. */
export function hasStructure(table: Table, { rules, sets }: Listing): boolean {
  if (rules.size !== table.chains.size || sets.size !== table.sets.size) return false;
  for (const [name, chain] of table.chains) if (rules.get(name) !== chain.rules.length) return false;
  return [...table.sets.keys()].every((name) => sets.has(name));
}

export function sameElements(wanted: ReadonlyMap<string, string>, listed: ReadonlyMap<string, string>): boolean {
  if (wanted.size !== listed.size) return false;
  for (const [key, value] of wanted) if (listed.get(key) !== value) return false;
  return true;
}
