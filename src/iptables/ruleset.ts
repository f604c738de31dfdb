// What iptables holds, as data: tables of chains with typed rules.

export type TableName = 'mangle' | 'nat' | 'filter';

export type Match =
  | { readonly kind: 'comment'; readonly text: string }
  /** With the protocol's own module loaded, as matching its ports needs. */
  | { readonly kind: 'protocol'; readonly protocol: string }
  | { readonly kind: 'protocol-number'; readonly protocol: string }
  | { readonly kind: 'source' | 'destination'; readonly address: string; readonly not?: boolean }
  | { readonly kind: 'destination-port'; readonly port: number }
  | { readonly kind: 'in-interface'; readonly name: string; readonly not?: boolean }
  | { readonly kind: 'ct-state'; readonly states: readonly string[]; readonly not?: boolean }
  | { readonly kind: 'mark'; readonly bits: number; readonly not?: boolean }
  | { readonly kind: 'source-type' | 'destination-type'; readonly type: 'LOCAL'; readonly not?: boolean }
  /** `flags` say which of the packet's fields (`dst,dst`: destination address and port) are looked up in the ipset. */
  | { readonly kind: 'in-set'; readonly set: string; readonly flags: string }
  /** The packet came in by a port of a bridge; `not`: it did not. */
  | { readonly kind: 'from-bridge-port'; readonly not?: boolean }
  /** The packet belongs to a connection of this virtual server. */
  | { readonly kind: 'virtual-server'; readonly address: string; readonly protocol: string; readonly port: number }
  /** Counts the packet in an nfacct object; always matches. */
  | { readonly kind: 'count'; readonly counter: string }
  /** `probability` of 0 to 1 that the packet matches. */
  | { readonly kind: 'random'; readonly probability: number }
  /** The source address is in the list and was seen in the last so many seconds; those seen longer ago are dropped. */
  | { readonly kind: 'recently-seen'; readonly list: string; readonly seconds: number }
  /** Puts the source address into the list; always matches. */
  | { readonly kind: 'remember'; readonly list: string };

export type Target =
  | { readonly kind: 'ACCEPT' | 'DROP' | 'RETURN' | 'REJECT' }
  | { readonly kind: 'chain'; readonly chain: string }
  | { readonly kind: 'MARK'; readonly op: 'or' | 'xor'; readonly bits: number }
  | { readonly kind: 'MASQUERADE'; readonly randomFully: boolean }
  | { readonly kind: 'DNAT'; readonly to: string };

export interface Rule {
  /** In the order in which they are written and tried. */
  readonly matches: readonly Match[];
  /** Without a target a rule only counts packets. */
  readonly target?: Target;
}

export interface Chain {
  readonly name: string;
  /** Built-in chains have a policy; those of users have none. */
  readonly policy?: 'ACCEPT';
  readonly rules: readonly Rule[];
}

export interface Table {
  readonly name: TableName;
  readonly chains: readonly Chain[];
}

/** What `iptables-restore --noflush` is to do with one table: chains are made or replaced whole, then others removed. */
export interface TableUpdate {
  readonly name: TableName;
  readonly chains: readonly Chain[];
  /** Rules put at the top of chains that are not ours, in this order: the last one ends up first. */
  readonly insert?: readonly { readonly chain: string; readonly rule: Rule }[];
  /** Chains to remove; nothing may lead to them after the update. */
  readonly remove?: readonly string[];
  /** Rules to take out of chains that are not ours. */
  readonly take?: readonly { readonly chain: string; readonly rule: Rule }[];
}
