// A firewall in nftables, such as firewalld: a table of somebody else whose base chain drops. What a chain of ours accepts, that
// one drops all the same, so rules of ours stand in it. Here the pure part, over what `nft -j` lists.
import type { Accept, FirewallHook } from './accepts.ts';

export interface ListedChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly policy?: string;
}

interface ListedRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly comment?: string;
  readonly expr: readonly Readonly<Record<string, unknown>>[];
}

interface Listed {
  readonly chain?: ListedChain;
  readonly rule?: ListedRule;
}

const mark = 'portico pod network';
const hooks: readonly string[] = ['forward', 'input'] satisfies FirewallHook[];

function listed(json: string): readonly Listed[] {
  return (JSON.parse(json.trim() || '{}') as { nftables?: readonly Listed[] }).nftables ?? [];
}

/** Base chains of others at our hooks, of `nft -j list chains`; those of iptables are its own matter. */
export function foreignChains(json: string): ListedChain[] {
  return listed(json).flatMap(({ chain }) => {
    if (chain?.type !== 'filter' || !hooks.includes(chain.hook ?? '')) return [];
    if (!['ip', 'ip6', 'inet'].includes(chain.family) || chain.table.startsWith('portico')) return [];
    return isOfIptables(chain) ? [] : [chain];
  });
}

/** Whether a table has a chain of that name. */
export function hasChain(json: string, wanted: Pick<ListedChain, 'family' | 'table' | 'name'>): boolean {
  const { family, table, name } = wanted;
  return listed(json).some(({ chain }) => chain?.family === family && chain.table === table && chain.name === name);
}

/** Whether the program iptables-nft has a table of that family. */
export function hasIptablesTable(json: string, family: 'ip' | 'ip6'): boolean {
  return listed(json).some(({ chain }) => chain !== undefined && chain.family === family && isOfIptables(chain));
}

function isOfIptables({ family, table, name }: ListedChain): boolean {
  return family !== 'inet' && table === 'filter' && ['FORWARD', 'INPUT'].includes(name);
}

/** Statements that every packet passes. */
const unconditional = new Set(['counter', 'log', 'drop', 'reject']);

function drops(chain: ListedChain, rules: readonly ListedRule[]): boolean {
  if (chain.policy === 'drop') return true;
  const seen = new Set<string>();
  const dropsIn = (name: string): boolean => {
    if (seen.has(name)) return false;
    seen.add(name);
    return rules.some(({ chain: of, expr }) => {
      if (of !== name) return false;
      const kinds = expr.flatMap((statement) => Object.keys(statement));
      const isVerdict = kinds.includes('drop') || kinds.includes('reject');
      if (isVerdict && kinds.every((kind) => unconditional.has(kind))) return true;
      return expr.some((statement) => {
        const { target } = (statement.jump ?? statement.goto ?? {}) as { target?: string };
        return target !== undefined && dropsIn(target);
      });
    });
  };
  return dropsIn(chain.name);
}

function conditionOf({ family, source, destination, protocol, port }: Accept): string {
  const ip = family === 'IPv4' ? 'ip' : 'ip6';
  return [
    ...(source ? [`${ip} saddr ${source}`] : []),
    ...(destination ? [`${ip} daddr ${destination}`] : []),
    ...(protocol ? [`${protocol} dport ${port}`] : []),
  ].join(' ');
}

/** The script that makes a chain let through what it must, from `nft -jt list table` of its table; empty when it does. */
export function nftablesChanges(chain: ListedChain, json: string, accepts: readonly Accept[]): string {
  const rules = listed(json).flatMap(({ rule }) => (rule ? [rule] : []));
  const own = rules.filter((rule) => rule.chain === chain.name && rule.comment?.startsWith(mark));
  const wanted = drops(chain, rules)
    ? accepts.filter(({ hook, family }) => hook === chain.hook && isOfFamily(chain, family)).map(conditionOf)
    : [];
  // The comment says what the rule says, so that it need not be read out of the listing.
  const commentOf = (condition: string) => `${mark}: ${condition}`;
  const have = new Set(own.map(({ comment }) => comment));
  if (own.length === wanted.length && wanted.every((condition) => have.has(commentOf(condition)))) return '';
  const where = `${chain.family} ${chain.table} ${chain.name}`;
  return [
    ...own.map(({ handle }) => `delete rule ${where} handle ${handle}\n`),
    ...wanted.map((condition) => `insert rule ${where} ${condition} accept comment "${commentOf(condition)}"\n`),
  ].join('');
}

function isOfFamily({ family }: ListedChain, of: Accept['family']): boolean {
  return family === 'inet' || family === (of === 'IPv4' ? 'ip' : 'ip6');
}
