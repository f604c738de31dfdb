// The table that a proxier wants, kept up to date port by port, with what changed since it was last asked.
import { elementText } from '../../nftables/element-text.ts';
import type { ElementEvent } from '../../nftables/events.ts';
import { renderTransaction } from '../../nftables/render.ts';
import type { Chain, NftFamily, NftSet, SetDeclaration, Table } from '../../nftables/ruleset.ts';
import { type Change, type Operation, operationsOf, type Transaction } from '../../nftables/transaction.ts';
import type { ProxyConfig } from '../config.ts';
import type { ServicePortPlan } from '../plan.ts';
import { affinitySetPrefix } from './affinity.ts';
import { constantChains, constantElements, constantSets, nftFamily, sets, tableComment, tableName } from './base.ts';
import { sourceElements, spreadSources } from './firewall.ts';
import { sameElements } from './listing.ts';
import { loadBalancingGroup } from './load-balancing.ts';
import { type Claim, type Contribution, contributionOf, noSlots, type Slots } from './service.ts';

type Claimants = Claim | Claim[];

/** Where Services disagree about an element (two of them with one external IP), the first by name has it. */
function winner(claimants: Claimants | undefined): string | undefined {
  if (claimants === undefined) return undefined;
  if (!Array.isArray(claimants)) return claimants.value;
  return claimants.reduce((a, b) => (b.owner < a.owner ? b : a)).value;
}

/** What the kernel should hold for one family. Changes are collected until `take` hands them over. */
export class NftablesState {
  readonly family: NftFamily;
  readonly #config: ProxyConfig;
  readonly #contributions = new Map<string, Contribution>();
  readonly #elements = new Map<string, Map<string, Claimants>>();
  readonly #groups = new Map<string, number>();
  readonly #before = new Map<string, Map<string, string | undefined>>();
  readonly #chains = new Map<string, Change<Chain>>();
  readonly #sets = new Map<string, Change<SetDeclaration>>();
  /** Until all was taken once there is nothing to compare with, and no need to remember what changed. */
  #taken = false;
  /** While a listing of the kernel's is made: what changed since it began, which it may hold or not. */
  #unsure: Set<string> | undefined;
  /** While the table is filled: the first claim of each element that was not handed out yet. */
  #fresh: Claim[] | undefined;

  constructor(config: ProxyConfig) {
    this.#config = config;
    this.family = nftFamily(config);
  }

  /** Sets what one port wants, or with undefined that it is gone. */
  set(owner: string, plan: ServicePortPlan | undefined): void {
    const old = this.#contributions.get(owner);
    const slots: Slots = old?.slots ?? noSlots;
    const now = plan && contributionOf(owner, plan, slots);
    for (const claim of now?.claims ?? []) this.#claim(claim);
    for (const claim of old?.claims ?? []) this.#release(claim);
    this.#count(now?.groups ?? [], 1);
    this.#count(old?.groups ?? [], -1);
    this.#replace(this.#chains, old?.chains ?? [], now?.chains ?? []);
    this.#replace(this.#sets, old?.sets ?? [], now?.sets ?? []);
    if (now) this.#contributions.set(owner, now);
    else this.#contributions.delete(owner);
  }

  /** What one port has, as operations that would add it to a table without it. */
  rulesOf(owner: string): string[] {
    const contribution = this.#contributions.get(owner);
    if (!contribution) return [];
    const { chains, sets: own, claims } = contribution;
    // Where Services disagree, not every claim is in force.
    const won = claims.filter((claim) => winner(this.#elements.get(claim.set)?.get(claim.key)) === claim.value);
    const elements = new Map<string, Map<string, Change<string>>>();
    for (const { set, key, value } of won) {
      const changes = elements.get(set) ?? new Map<string, Change<string>>();
      elements.set(set, changes.set(key, { after: value }));
    }
    const firewalled = elements.get(sets.firewalled);
    if (firewalled) spreadSources(firewalled, elements);
    const operations = operationsOf({
      chains: chains.map((chain) => ({ after: chain })),
      sets: own.map((set) => ({ after: set })),
      elements,
    });
    const text = renderTransaction({ family: this.family, table: tableName, operations });
    return text.trimEnd().split('\n');
  }

  /** The sets that remember clients, with their timeouts in seconds. */
  affinityTimeouts(): ReadonlyMap<string, number> {
    const timeouts = new Map<string, number>();
    for (const { sets: own } of this.#contributions.values()) {
      for (const { name, timeoutSeconds } of own) if (timeoutSeconds !== undefined) timeouts.set(name, timeoutSeconds);
    }
    return timeouts;
  }

  /** The smallest transaction from what was last taken to what is wanted now; undefined when nothing changed. */
  take(): Transaction | undefined {
    if (!this.#taken) return this.takeAll();
    const elements = new Map<string, Map<string, Change<string>>>();
    for (const [set, keys] of this.#before) {
      const changes = new Map<string, Change<string>>();
      for (const [key, before] of keys) {
        const after = winner(this.#elements.get(set)?.get(key));
        if (after !== before) changes.set(key, { before, after });
      }
      // Elements go with their map.
      const change = this.#sets.get(set);
      if (changes.size === 0 || (change && !change.after)) continue;
      if (set === sets.firewalled) spreadSources(changes, elements);
      else elements.set(set, changes);
    }
    const operations: Operation[] = operationsOf({
      chains: [...this.#chains.values()],
      sets: [...this.#sets.values()].filter((change) => change.before || change.after),
      elements,
    });
    this.#forget();
    if (operations.length === 0) return undefined;
    return { family: this.family, table: tableName, operations };
  }

  /** All of it, to be written in place of whatever the kernel has. Forgets the changes that led here. */
  takeAll(): Transaction {
    this.#forget();
    this.#unsure = undefined;
    this.#taken = true;
    const table = this.table();
    return { family: table.family, table: table.name, operations: [{ op: 'replace-table', table }] };
  }

  /** Nothing was set, and nothing taken. */
  get isEmpty(): boolean {
    return !this.#taken && this.#contributions.size === 0;
  }

  /** From here to the end of filling each port is set once, and elements can be taken as they come. */
  startFilling(): void {
    this.#taken = true;
    this.#fresh = [];
  }

  /** The elements that came since this was last asked, by the set that they are of. */
  takeFresh(): (readonly [SetDeclaration, readonly (readonly [key: string, value: string])[]])[] {
    const elements = new Map<string, (readonly [string, string])[]>();
    for (const { set, key, value } of this.#fresh ?? []) {
      // What is made of several claims is given at the end.
      if (set === sets.firewalled) continue;
      const own = elements.get(set);
      if (own) own.push([key, value]);
      else elements.set(set, [[key, value]]);
    }
    this.#fresh = [];
    return [...elements].map(([set, own]) => [this.#declarationOf(set)!, own]);
  }

  /** What is missing from the table when all fresh elements were taken; what they then have to be corrected by is `take`n. */
  endFilling(): Table {
    this.#fresh = undefined;
    this.#chains.clear();
    this.#sets.clear();
    this.#before.delete(sets.firewalled);
    return this.#tableOf((set) => (set === sets.firewalled ? this.#elementsOf(set) : new Map()));
  }

  /** A listing of the kernel's begins, in which all is that was taken so far. */
  startListing(): void {
    this.#unsure = new Set();
  }

  /** Whether a listing that was begun is worth looking at: not when all was written meanwhile. */
  get isListing(): boolean {
    return this.#unsure !== undefined;
  }

  /** The sets that hold what is wanted, those with few elements first. */
  setsBySize(): SetDeclaration[] {
    const size = ({ name }: SetDeclaration) => this.#elements.get(name)?.size ?? 0;
    const groups = [...this.#groups.keys()].map((map) => this.#group(map).set);
    return [...constantSets(this.#config), ...groups].sort((a, b) => size(a) - size(b));
  }

  /**
   * Compares a set of a listing with what it should hold. Where `elements` differ, the next `take` puts them right; `more` is
   * put right by writing all of it. Sets that fill themselves are not looked into.
   */
  compare(set: string, listed: ReadonlyMap<string, string>): 'same' | 'elements' | 'more' {
    if (set.startsWith(affinitySetPrefix)) return 'same';
    const made = constantElements(this.#config).get(set) ?? this.#firewallElements().get(set);
    if (made) return sameElements(made, listed) || this.#unsure?.has(sets.firewalled) ? 'same' : 'more';
    const wanted = this.#keys(set);
    let missing = wanted.size;
    let differs = false;
    for (const [key, value] of listed) {
      const claimants = wanted.get(key);
      if (claimants !== undefined) missing -= 1;
      if (winner(claimants) !== value && this.#holds(set, key, value)) differs = true;
    }
    if (missing > 0) {
      for (const key of wanted.keys()) if (!listed.has(key) && this.#holds(set, key, undefined)) differs = true;
    }
    return differs ? 'elements' : 'same';
  }

  /**
   * Takes in what someone else did to one element. Where it is not what is wanted, the next `take` puts it right; `unclear` are
   * elements of which one must look what the kernel holds.
   */
  heard(event: ElementEvent): 'same' | 'element' | 'unclear' {
    const { set } = event;
    if (set.startsWith(affinitySetPrefix)) return 'same';
    const made = set === sets.firewalled || set === sets.firewallSources || constantElements(this.#config).has(set);
    const declaration = made ? undefined : this.#declarationOf(set);
    const [key, value] = (declaration && elementText(declaration, event)) ?? [];
    if (key === undefined) return 'unclear';
    const held = event.verb === 'add' ? value : undefined;
    // Also of what is the same now, and was different in what the next change starts from.
    this.#beforeOf(set).set(key, held);
    // A listing may still show what is put right meanwhile.
    this.#unsure?.add(set + key);
    return winner(this.#elements.get(set)?.get(key)) === held ? 'same' : 'element';
  }

  /** The kernel turned out to hold this value, or with undefined none; false when that may be because it just changed. */
  #holds(set: string, key: string, value: string | undefined): boolean {
    if (this.#unsure?.has(set + key)) return false;
    this.#beforeOf(set).set(key, value);
    return true;
  }

  /** The table as it should be. */
  table(): Table {
    return this.#tableOf((set) => this.#elementsOf(set));
  }

  #tableOf(elementsOf: (set: string) => ReadonlyMap<string, string>): Table {
    const declarations = constantSets(this.#config);
    const chains = new Map(constantChains(this.#config).map((chain) => [chain.name, chain]));
    for (const map of [...this.#groups.keys()].sort(bySize)) {
      const group = this.#group(map);
      declarations.push(group.set);
      for (const chain of group.chains) chains.set(chain.name, chain);
    }
    for (const contribution of this.#contributions.values()) {
      if (contribution.chains.length === 0) continue;
      declarations.push(...contribution.sets);
      for (const chain of contribution.chains) chains.set(chain.name, chain);
    }
    const constants = constantElements(this.#config);
    const tableSets = new Map<string, NftSet>();
    for (const declaration of declarations) {
      const elements = constants.get(declaration.name) ?? elementsOf(declaration.name);
      tableSets.set(declaration.name, { declaration, elements });
    }
    const firewalled = tableSets.get(sets.firewalled)!;
    for (const [set, changes] of sourceElements(firewalled.elements)) {
      tableSets.set(set, { declaration: tableSets.get(set)!.declaration, elements: changes });
    }
    return { family: this.family, name: tableName, comment: tableComment, sets: tableSets, chains };
  }

  /** Names of the chains that are there for as long as the table is. */
  constantChains(): string[] {
    return constantChains(this.#config).map((chain) => chain.name);
  }

  #elementsOf(set: string): ReadonlyMap<string, string> {
    const elements = new Map<string, string>();
    for (const [key, claimants] of this.#elements.get(set) ?? []) elements.set(key, winner(claimants)!);
    return elements;
  }

  /** Undefined for what is no set of ours. */
  #declarationOf(set: string): SetDeclaration | undefined {
    const constant = constantSets(this.#config).find(({ name }) => name === set);
    return constant ?? (this.#groups.has(set) ? this.#group(set).set : undefined);
  }

  #group(map: string) {
    const size = Number(map.slice(map.lastIndexOf('-') + 1));
    return loadBalancingGroup(this.#config.family, map.startsWith('nodeport-') ? 'nodeport' : 'service', size);
  }

  #keys(set: string): Map<string, Claimants> {
    let keys = this.#elements.get(set);
    if (!keys) {
      keys = new Map();
      this.#elements.set(set, keys);
    }
    return keys;
  }

  /** Remembers what an element was when it is first touched. */
  #touch(set: string, key: string, claimants: Claimants | undefined): void {
    if (!this.#taken) return;
    this.#unsure?.add(set === sets.firewalled ? set : set + key);
    const keys = this.#beforeOf(set);
    if (!keys.has(key)) keys.set(key, winner(claimants));
  }

  #beforeOf(set: string): Map<string, string | undefined> {
    let keys = this.#before.get(set);
    if (!keys) {
      keys = new Map();
      this.#before.set(set, keys);
    }
    return keys;
  }

  #firewallElements(): ReadonlyMap<string, ReadonlyMap<string, string>> {
    return sourceElements(this.#elementsOf(sets.firewalled));
  }

  #claim(claim: Claim): void {
    const keys = this.#keys(claim.set);
    const claimants = keys.get(claim.key);
    if (this.#fresh && claimants === undefined && !this.#before.get(claim.set)?.has(claim.key)) this.#fresh.push(claim);
    else this.#touch(claim.set, claim.key, claimants);
    if (claimants === undefined) keys.set(claim.key, claim);
    else if (Array.isArray(claimants)) claimants.push(claim);
    else keys.set(claim.key, [claimants, claim]);
  }

  #release(claim: Claim): void {
    const keys = this.#keys(claim.set);
    const claimants = keys.get(claim.key);
    this.#touch(claim.set, claim.key, claimants);
    if (!Array.isArray(claimants)) {
      keys.delete(claim.key);
      return;
    }
    claimants.splice(claimants.indexOf(claim), 1);
    if (claimants.length === 1) keys.set(claim.key, claimants[0]!);
  }

  #count(groups: readonly string[], step: 1 | -1): void {
    for (const map of groups) {
      const users = this.#groups.get(map) ?? 0;
      if (users + step > 0) this.#groups.set(map, users + step);
      else this.#groups.delete(map);
      if (users > 0 && users + step > 0) continue;
      const { set, chains } = this.#group(map);
      if (users === 0) {
        this.#replace(this.#chains, [], chains);
        this.#replace(this.#sets, [], [set]);
      } else {
        this.#replace(this.#chains, chains, []);
        this.#replace(this.#sets, [set], []);
      }
    }
  }

  #replace<T extends { readonly name: string }>(changes: Map<string, Change<T>>, old: readonly T[], now: readonly T[]) {
    // Most ports have none of their own, and there are many ports.
    if (old.length + now.length === 0) return;
    const after = new Map(now.map((thing) => [thing.name, thing]));
    const before = new Map(old.map((thing) => [thing.name, thing]));
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const earlier = changes.get(name);
      changes.set(name, { before: earlier ? earlier.before : before.get(name), after: after.get(name) });
    }
  }

  #forget(): void {
    this.#fresh = undefined;
    this.#before.clear();
    this.#chains.clear();
    this.#sets.clear();
  }
}

function bySize(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}
