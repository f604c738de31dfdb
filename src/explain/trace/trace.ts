// What `portico trace` finds, as a value.
import type { Protocol } from '../../netfilter/packet.ts';

export interface NameAsked {
  readonly name: string;
  /** `NOERROR`, `NXDOMAIN`, …, or `no cluster name` where an upstream would be asked. */
  readonly result: string;
  /** Addresses, or targets of CNAMEs. */
  readonly records: readonly string[];
}

export interface NameStep {
  readonly host: string;
  /** The look-ups in the order in which a resolver makes them, the last one successful if any is. */
  readonly asked: readonly NameAsked[];
  readonly addresses: readonly string[];
  /** How the name was understood when not by DNS. */
  readonly note?: string;
}

export interface Candidate {
  /** `address:port`. */
  readonly endpoint: string;
  /** `pod default/a`, or the address where no object is known. */
  readonly target: string;
  readonly node: string | undefined;
  readonly isCandidate: boolean;
  /** Why it is not; empty for candidates. */
  readonly why: string;
  /** How likely new connections are sent there, 0 to 1, whether or not they arrive. */
  readonly share: number;
}

export type Door = 'cluster IP' | 'external IP' | 'load balancer IP' | 'node port';

export interface ServiceStep {
  /** `namespace/name`. */
  readonly service: string;
  readonly resourceVersion: string | undefined;
  readonly port: number;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly door: Door;
  /** Other Services that claim the same address and port: `namespace/name`. */
  readonly rivals?: readonly string[];
  /** The field that decides who is a candidate, as `spec.internalTrafficPolicy: Local`. */
  readonly policy: string;
  /** With session affinity: how long a client that comes again is kept by the endpoint it once got; shares are of new clients. */
  readonly affinity?: string;
  readonly candidates: readonly Candidate[];
}

export interface TraceStep {
  /** prerouting, input, forward, output or postrouting. */
  readonly hook: string;
  /** The rule with the map elements that decided, in the words of nft, iptables or ipvsadm. */
  readonly decision: string;
  /** How likely this way was among those that the decision had: 1 unless dice were thrown. */
  readonly chance: number;
  /** The packet after the step: `source -> destination`. */
  readonly packet: string;
}

export interface Hop {
  readonly node: string;
  readonly steps: readonly TraceStep[];
}

export type Result = 'arrives' | 'refused' | 'dropped' | 'leaves the cluster';

export interface TraceOutcome {
  /** Above 0, at most 1. */
  readonly probability: number;
  readonly result: Result;
  /** Where the packet is addressed to at its end. */
  readonly destination: string;
  readonly target: string;
  /** The client's address as the target sees it. */
  readonly source: string;
  readonly masqueraded: boolean;
  readonly hops: readonly Hop[];
  /** What becomes of the answer; empty where there is none. */
  readonly reply: readonly string[];
  /** The answer comes back to the client under an address that it did not ask, so no connection comes about. */
  readonly isUnanswered?: true;
  /** With session affinity: where the same client's next connections go. */
  readonly nextTime: readonly string[];
  /** What the model cannot know, or what there is to know of a way without a step. */
  readonly note?: string;
}

/** Why nothing arrives, or not everything. */
export interface Cause {
  /** `Service default/web`. */
  readonly object: string;
  readonly field: string;
  readonly message: string;
  /** What to change. */
  readonly remedy: string;
}

export interface Trace {
  readonly mode: string;
  readonly from: { readonly text: string; readonly address: string; readonly node: string };
  readonly to: { readonly text: string; readonly address: string | undefined };
  readonly name: NameStep | undefined;
  readonly service: ServiceStep | undefined;
  readonly outcomes: readonly TraceOutcome[];
  readonly cause: Cause | undefined;
}

/** Everything that is sent arrives, or leaves the cluster. */
export function isWell({ outcomes, cause }: Trace): boolean {
  return (
    outcomes.length > 0 &&
    cause === undefined &&
    outcomes.every(({ result }) => result === 'arrives' || result === 'leaves the cluster')
  );
}
