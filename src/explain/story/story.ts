// What the page tells of one Service, in the order in which a newcomer needs it, as a value.

export interface PodMatch {
  /** `Pod default/web-1`. */
  readonly id: string;
  /** For a pod that is matched, why it gets no traffic; for one that is not, what is in the way. Empty: it gets traffic. */
  readonly why: string;
}

export interface NodeRulesText {
  readonly node: string;
  /** In the words of nft, iptables-restore, ipset or ipvsadm: those that are there for this Service alone. */
  readonly lines: readonly string[];
}

export interface Story {
  /** `Service default/web`. */
  readonly id: string;
  readonly resourceVersion: string;
  /** The object as kubectl prints it, without what servers note for themselves. */
  readonly object: Readonly<Record<string, unknown>>;
  /** Sentences on its addresses and where they came from. */
  readonly addresses: readonly string[];
  /** `app=web`; empty when it has none. */
  readonly selector: string;
  readonly matches: readonly PodMatch[];
  /** Pods of the namespace that some of the selector fits. */
  readonly almost: readonly PodMatch[];
  /** Ids of its slices, with who wrote them. */
  readonly slices: readonly { readonly id: string; readonly managedBy: string }[];
  readonly rules: readonly NodeRulesText[];
  /** `NAME TYPE DATA`. */
  readonly records: readonly string[];
}
