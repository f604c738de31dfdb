// A transaction is data: it can be printed, compared, applied to a fake, or given to `nft -f`.
import {
  type Chain,
  type NftFamily,
  type NftSet,
  type Rule,
  referencesOf,
  type SetDeclaration,
  type Table,
} from './ruleset.ts';

export type Operation =
  | { readonly op: 'replace-table'; readonly table: Table }
  | { readonly op: 'delete-table' }
  | { readonly op: 'add-set'; readonly set: SetDeclaration }
  | { readonly op: 'delete-set'; readonly set: SetDeclaration }
  /** Adds the chain without its rules. */
  | { readonly op: 'add-chain'; readonly chain: Chain }
  | { readonly op: 'flush-chain'; readonly chain: string }
  | { readonly op: 'delete-chain'; readonly chain: string }
  | { readonly op: 'add-rules'; readonly chain: string; readonly rules: readonly Rule[] }
  | { readonly op: 'add-elements'; readonly set: string; readonly elements: readonly (readonly [string, string])[] }
  | { readonly op: 'delete-elements'; readonly set: string; readonly keys: readonly string[] };

/** Operations on one table; the kernel takes all of them or none. */
export interface Transaction {
  readonly family: NftFamily;
  readonly table: string;
  readonly operations: readonly Operation[];
}

/** One thing before and after; absent means that it does not exist then. */
export interface Change<T> {
  readonly before?: T | undefined;
  readonly after?: T | undefined;
}

export interface TableChanges {
  readonly chains: readonly Change<Chain>[];
  readonly sets: readonly Change<SetDeclaration>[];
  /** By set, then by key. Elements of a set that goes, or is declared anew, are not listed as removed. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, Change<string>>>;
}

/** Structural equality of the plain values that rules and declarations are made of. */
function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

interface ChainOrders {
  readonly flush: string[];
  readonly add: Chain[];
  readonly rules: Chain[];
  readonly remove: string[];
}

function uses(chain: Chain, sets: ReadonlySet<string>): boolean {
  return sets.size > 0 && chain.rules.some((rule) => referencesOf(rule).sets.some((set) => sets.has(set)));
}

/** Chains that use a set which is declared anew are written anew as well, since it must go in between. */
function chainOrders(changes: readonly Change<Chain>[], redeclared: ReadonlySet<string>): ChainOrders {
  const orders: ChainOrders = { flush: [], add: [], rules: [], remove: [] };
  for (const { before, after } of changes) {
    if (before && !after) {
      if (before.rules.length > 0) orders.flush.push(before.name);
      orders.remove.push(before.name);
    } else if (!before && after) {
      orders.add.push(after);
      if (after.rules.length > 0) orders.rules.push(after);
    } else if (before && after && (!same(before.rules, after.rules) || uses(before, redeclared))) {
      if (before.rules.length > 0) orders.flush.push(before.name);
      if (after.rules.length > 0) orders.rules.push(after);
    }
  }
  return orders;
}

function elementOperations(elements: TableChanges['elements']): { removed: Operation[]; added: Operation[] } {
  const removed: Operation[] = [];
  const added: Operation[] = [];
  for (const [set, changes] of elements) {
    const keys: string[] = [];
    const pairs: [string, string][] = [];
    for (const [key, { before, after }] of changes) {
      if (before === after) continue;
      if (before !== undefined) keys.push(key);
      if (after !== undefined) pairs.push([key, after]);
    }
    if (keys.length > 0) removed.push({ op: 'delete-elements', set, keys });
    if (pairs.length > 0) added.push({ op: 'add-elements', set, elements: pairs });
  }
  return { removed, added };
}

/**
 * The operations that make the changes, in an order in which nothing refers to what is not there: references go first
 * (elements, rules of flushed chains), then what they referred to; what is new comes before its references.
 */
export function operationsOf(changes: TableChanges): Operation[] {
  const redeclared = changes.sets.filter((c) => c.before && c.after && !same(c.before, c.after));
  const chains = chainOrders(changes.chains, new Set(redeclared.map((c) => c.before!.name)));
  const { removed, added } = elementOperations(changes.elements);
  return [
    ...chains.flush.map((chain): Operation => ({ op: 'flush-chain', chain })),
    ...removed,
    ...redeclared.map((c): Operation => ({ op: 'delete-set', set: c.before! })),
    ...changes.sets
      .filter((c) => c.after && !same(c.before, c.after))
      .map((c): Operation => ({ op: 'add-set', set: c.after! })),
    ...chains.add.map((chain): Operation => ({ op: 'add-chain', chain })),
    ...chains.rules.map((chain): Operation => ({ op: 'add-rules', chain: chain.name, rules: chain.rules })),
    ...added,
    ...changes.sets.filter((c) => !c.after).map((c): Operation => ({ op: 'delete-set', set: c.before! })),
    ...chains.remove.map((chain): Operation => ({ op: 'delete-chain', chain })),
  ];
}

function changesBetween<T>(current: ReadonlyMap<string, T>, desired: ReadonlyMap<string, T>): Change<T>[] {
  const changes: Change<T>[] = [];
  for (const [name, before] of current) changes.push({ before, after: desired.get(name) });
  for (const [name, after] of desired) if (!current.has(name)) changes.push({ after });
  return changes;
}

function elementChanges(before: NftSet | undefined, after: NftSet): Map<string, Change<string>> {
  const kept = before && same(before.declaration, after.declaration) ? before.elements : new Map<string, string>();
  const changes = new Map<string, Change<string>>();
  for (const [key, value] of kept) {
    const now = after.elements.get(key);
    if (now !== value) changes.set(key, { before: value, after: now });
  }
  for (const [key, value] of after.elements) if (!kept.has(key)) changes.set(key, { after: value });
  return changes;
}

/**
 * Whether a table must be written anew: its base chains or their order of hooks differ, or a set that unchanged chains
 * use is declared otherwise. nft can change neither in place.
 */
function needsReplacement(current: Table, desired: Table): boolean {
  for (const [name, chain] of current.chains) {
    const after = desired.chains.get(name);
    if (after && (!same(chain.hook, after.hook) || chain.comment !== after.comment)) return true;
  }
  for (const [name, set] of current.sets) {
    const after = desired.sets.get(name);
    if (after && !same(set.declaration, after.declaration) && !isDynamic(set)) return true;
  }
  return current.comment !== desired.comment;
}

function isDynamic(set: NftSet): boolean {
  return set.declaration.flags?.includes('dynamic') ?? false;
}

/** The smallest transaction that turns one table (or none) into another (or none). */
export function diff(current: Table | undefined, desired: Table | undefined): Transaction | undefined {
  if (!desired) return current && { family: current.family, table: current.name, operations: [{ op: 'delete-table' }] };
  const whole: Transaction = {
    family: desired.family,
    table: desired.name,
    operations: [{ op: 'replace-table', table: desired }],
  };
  if (!current || needsReplacement(current, desired)) return whole;
  const elements = new Map<string, Map<string, Change<string>>>();
  for (const [name, set] of desired.sets) elements.set(name, elementChanges(current.sets.get(name), set));
  const declarations = (sets: ReadonlyMap<string, NftSet>) =>
    new Map([...sets].map(([name, set]) => [name, set.declaration]));
  const operations = operationsOf({
    chains: changesBetween(current.chains, desired.chains),
    sets: changesBetween(declarations(current.sets), declarations(desired.sets)),
    elements,
  });
  return { family: desired.family, table: desired.name, operations };
}
