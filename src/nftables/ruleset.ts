// What nftables holds, as data: tables of chains with typed rules, and of sets and maps with elements.

/** The families a Service address can have; an nftables table belongs to one. */
export type NftFamily = 'ip' | 'ip6';

/** A packet property, spelt as nft spells it. */
export type Field =
  | 'ip saddr'
  | 'ip daddr'
  | 'ip6 saddr'
  | 'ip6 daddr'
  | 'meta l4proto'
  | 'meta iifname'
  | 'th dport'
  | 'icmpv6 type'
  | 'ct state'
  | 'ct status'
  | 'fib saddr type'
  | 'fib daddr type';

/** A random whole number in [offset, offset + mod), drawn for each packet. */
export interface Numgen {
  readonly kind: 'numgen';
  readonly mod: number;
  readonly offset: number;
}

export type KeyPart = Field | Numgen;

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'reject' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

export type Statement =
  | Verdict
  /** Goes on when the field has (or with `!=` has not) one of the values. */
  | { readonly kind: 'match'; readonly field: Field; readonly op: '==' | '!='; readonly values: readonly string[] }
  | { readonly kind: 'lookup'; readonly key: readonly Field[]; readonly op: '==' | '!='; readonly set: string }
  /** Follows the verdict the map has for the key; goes on when it has none. */
  | { readonly kind: 'vmap'; readonly key: readonly Field[]; readonly map: string }
  /** Follows one of the verdicts, each equally likely. */
  | { readonly kind: 'random'; readonly verdicts: readonly Verdict[] }
  | { readonly kind: 'match-mark'; readonly bits: number }
  | { readonly kind: 'mark'; readonly op: '|' | '^'; readonly bits: number }
  | { readonly kind: 'dnat-map'; readonly family: NftFamily; readonly key: readonly KeyPart[]; readonly map: string }
  | { readonly kind: 'dnat'; readonly family: NftFamily; readonly address: string; readonly port: number }
  | { readonly kind: 'masquerade' }
  /** Adds the key to a dynamic set, or restarts its timeout. */
  | { readonly kind: 'update'; readonly set: string; readonly key: readonly Field[] };

export interface Rule {
  readonly statements: readonly Statement[];
  readonly comment?: string;
}

export interface Hook {
  readonly type: 'filter' | 'nat';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  /** Lower runs first; -100 is destination NAT, 100 source NAT. */
  readonly priority: number;
}

export interface Chain {
  readonly name: string;
  /** Present on base chains, where packets enter. */
  readonly hook?: Hook;
  readonly comment?: string;
  readonly rules: readonly Rule[];
}

export interface SetDeclaration {
  readonly kind: 'set' | 'map';
  readonly name: string;
  /** `type …` or `typeof …` as nft writes it, for maps with `: …` of the values. */
  readonly type: string;
  readonly flags?: readonly ('interval' | 'dynamic' | 'timeout')[];
  readonly timeoutSeconds?: number;
  readonly comment?: string;
}

/** Key to value, both in nft's text (`10.96.0.1 . tcp . 80`, `goto lb-2`); the value is empty in sets. */
export type Elements = ReadonlyMap<string, string>;

export interface NftSet {
  readonly declaration: SetDeclaration;
  readonly elements: Elements;
}

export interface Table {
  readonly family: NftFamily;
  readonly name: string;
  readonly comment?: string;
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** The names of chains and sets that a rule needs to exist. */
export function referencesOf(rule: Rule): { readonly chains: readonly string[]; readonly sets: readonly string[] } {
  const chains: string[] = [];
  const sets: string[] = [];
  for (const statement of rule.statements) {
    switch (statement.kind) {
      case 'jump':
      case 'goto':
        chains.push(statement.chain);
        break;
      case 'random':
        for (const verdict of statement.verdicts) if ('chain' in verdict) chains.push(verdict.chain);
        break;
      case 'lookup':
      case 'update':
        sets.push(statement.set);
        break;
      case 'vmap':
      case 'dnat-map':
        sets.push(statement.map);
        break;
      default:
        break;
    }
  }
  return { chains, sets };
}

/** The chain that an element's verdict leads to, if it leads to one. */
export function chainOfValue(value: string): string | undefined {
  return /^(?:goto|jump) (.+)$/.exec(value)?.[1];
}
