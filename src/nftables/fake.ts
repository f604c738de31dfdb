// A kernel's nftables in memory: takes a transaction whole or refuses it whole, for the reasons the kernel has.
import {
  type Chain,
  chainOfValue,
  type NftFamily,
  type NftSet,
  type Rule,
  referencesOf,
  type Table,
} from './ruleset.ts';
import type { Operation, Transaction } from './transaction.ts';

/** Why the kernel would refuse, by the name of its error. */
class RefusedError extends Error {
  readonly code: 'ENOENT' | 'EEXIST' | 'EBUSY';

  constructor(code: RefusedError['code'], message: string) {
    super(`${code}: ${message}`);
    this.name = 'RefusedError';
    this.code = code;
  }
}

interface Draft {
  family: NftFamily;
  name: string;
  comment: string | undefined;
  sets: Map<string, { declaration: NftSet['declaration']; elements: Map<string, string> }>;
  chains: Map<string, Chain>;
}

function draftOf(table: Table): Draft {
  return {
    family: table.family,
    name: table.name,
    comment: table.comment,
    sets: new Map([...table.sets].map(([name, set]) => [name, { ...set, elements: new Map(set.elements) }])),
    chains: new Map(table.chains),
  };
}

function need<T>(thing: T | undefined, what: string): T {
  if (thing === undefined) throw new RefusedError('ENOENT', what);
  return thing;
}

function checkRules(table: Draft, chain: string, rules: readonly Rule[]): void {
  for (const rule of rules) {
    const { chains, sets } = referencesOf(rule);
    for (const name of chains) need(table.chains.get(name), `chain ${name}, to which ${chain} leads`);
    for (const name of sets) need(table.sets.get(name), `set ${name}, which ${chain} uses`);
  }
}

function isChainUsed(table: Draft, chain: string): boolean {
  for (const { rules } of table.chains.values()) {
    if (rules.some((rule) => referencesOf(rule).chains.includes(chain))) return true;
  }
  for (const { elements } of table.sets.values()) {
    for (const value of elements.values()) if (chainOfValue(value) === chain) return true;
  }
  return false;
}

function isSetUsed(table: Draft, set: string): boolean {
  return [...table.chains.values()].some(({ rules }) => rules.some((rule) => referencesOf(rule).sets.includes(set)));
}

function addElements(table: Draft, o: Extract<Operation, { op: 'add-elements' }>): void {
  const { elements } = need(table.sets.get(o.set), `set ${o.set}`);
  for (const [key, value] of o.elements) {
    const target = chainOfValue(value);
    if (target !== undefined) need(table.chains.get(target), `chain ${target}, to which ${o.set} leads`);
    const present = elements.get(key);
    if (present !== undefined && present !== value) throw new RefusedError('EEXIST', `${o.set} has ${key} already`);
    elements.set(key, value);
  }
}

function change(table: Draft, o: Exclude<Operation, { op: 'replace-table' | 'delete-table' }>): void {
  switch (o.op) {
    case 'add-set': {
      const present = table.sets.get(o.set.name);
      if (present && JSON.stringify(present.declaration) !== JSON.stringify(o.set)) {
        throw new RefusedError('EEXIST', `set ${o.set.name} is declared otherwise`);
      }
      if (!present) table.sets.set(o.set.name, { declaration: o.set, elements: new Map() });
      return;
    }
    case 'delete-set':
      need(table.sets.get(o.set.name), `set ${o.set.name}`);
      if (isSetUsed(table, o.set.name)) throw new RefusedError('EBUSY', `set ${o.set.name} is used`);
      table.sets.delete(o.set.name);
      return;
    case 'add-chain':
      if (!table.chains.has(o.chain.name)) table.chains.set(o.chain.name, { ...o.chain, rules: [] });
      return;
    case 'flush-chain':
      table.chains.set(o.chain, { ...need(table.chains.get(o.chain), `chain ${o.chain}`), rules: [] });
      return;
    case 'delete-chain': {
      const chain = need(table.chains.get(o.chain), `chain ${o.chain}`);
      if (chain.rules.length > 0) throw new RefusedError('EBUSY', `chain ${o.chain} has rules`);
      if (isChainUsed(table, o.chain)) throw new RefusedError('EBUSY', `chain ${o.chain} is used`);
      table.chains.delete(o.chain);
      return;
    }
    case 'add-rules': {
      const chain = need(table.chains.get(o.chain), `chain ${o.chain}`);
      checkRules(table, o.chain, o.rules);
      table.chains.set(o.chain, { ...chain, rules: [...chain.rules, ...o.rules] });
      return;
    }
    case 'add-elements':
      addElements(table, o);
      return;
    case 'delete-elements': {
      const { elements } = need(table.sets.get(o.set), `set ${o.set}`);
      for (const key of o.keys) if (!elements.delete(key)) throw new RefusedError('ENOENT', `${o.set} has no ${key}`);
    }
  }
}

function checkWhole(table: Draft): void {
  for (const chain of table.chains.values()) checkRules(table, chain.name, chain.rules);
  for (const [set, { elements }] of table.sets) {
    for (const value of elements.values()) {
      const target = chainOfValue(value);
      if (target !== undefined) need(table.chains.get(target), `chain ${target}, to which ${set} leads`);
    }
  }
}

/** The table after the transaction; `undefined` is no table. Throws a RefusedError and changes nothing where the kernel would. */
export function applyTransaction(current: Table | undefined, transaction: Transaction): Table | undefined {
  let table = current && draftOf(current);
  for (const operation of transaction.operations) {
    if (operation.op === 'replace-table') {
      table = draftOf(operation.table);
      checkWhole(table);
    } else if (operation.op === 'delete-table') {
      need(table, `table ${transaction.table}`);
      table = undefined;
    } else {
      change(need(table, `table ${transaction.table}`), operation);
    }
  }
  if (!table) return undefined;
  const { family, name, comment, sets, chains } = table;
  return { family, name, ...(comment === undefined ? {} : { comment }), sets, chains };
}
