// What policies mean for the pods of a node, as a pure function of the objects: who may speak to them, and to whom they may
// speak (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
import { createHash } from 'node:crypto';
import type { Namespace, Pod } from '../api/core/v1/types.generated.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../api/networking/v1/types.generated.ts';
import { labelSelectorOf, matchesLabels } from '../apimachinery/selectors/label-selector.ts';
import { blockOf, type PeerSet, PodDirectory, type PolicyPod, policyPodOf } from './peers.ts';

export interface PolicyObjects {
  readonly pods: readonly Readonly<Pod>[];
  readonly namespaces: readonly Readonly<Namespace>[];
  readonly policies: readonly Readonly<NetworkPolicy>[];
}

export type Direction = 'ingress' | 'egress';
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** Both ends belong to it. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly from: number;
  readonly to: number;
}

/** One thing that policies let pass: all peers where none are named, all protocols and ports where none are. */
export interface Allow {
  readonly peers: PeerSet | undefined;
  readonly ports: readonly PortRange[] | undefined;
}

/** Pods that the same policies isolate in one direction, and that name their ports alike, share one. */
export interface Isolation {
  readonly direction: Direction;
  /** Stays the same while the same policies isolate, whatever they and their peers become. */
  readonly id: string;
  /** `namespace/name`, sorted. */
  readonly policies: readonly string[];
  readonly allows: readonly Allow[];
}

/** By canonical address of the pods. Pods that are not there are not isolated. */
export interface PolicyPlan {
  readonly ingress: ReadonlyMap<string, Isolation>;
  readonly egress: ReadonlyMap<string, Isolation>;
}

/** For the pods of one node, or of all. */
export function planPolicies({ pods, namespaces, policies }: PolicyObjects, nodeName?: string): PolicyPlan {
  const directory = new PodDirectory(
    pods.flatMap((pod) => policyPodOf(pod) ?? []),
    namespaces,
  );
  const own = nodeName === undefined ? directory.all : directory.all.filter((pod) => pod.nodeName === nodeName);
  const byName = policies.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const plan = (direction: Direction) => planDirection(direction, { own, directory, policies: byName });
  return { ingress: plan('ingress'), egress: plan('egress') };
}

const nameOf = ({ metadata }: Readonly<NetworkPolicy>) => `${metadata.namespace}/${metadata.name}`;

interface View {
  readonly own: readonly PolicyPod[];
  readonly directory: PodDirectory;
  readonly policies: readonly Readonly<NetworkPolicy>[];
}

function planDirection(direction: Direction, { own, directory, policies }: View): Map<string, Isolation> {
  const isolated = new Map<string, Isolation>();
  const known = new Map<string, Isolation>();
  const applying = policies
    .filter(({ spec }) => hasDirection(spec, direction))
    .map((policy) => ({ policy, selector: labelSelectorOf(policy.spec.podSelector ?? {}) }));
  for (const pod of own) {
    const selecting = applying
      .filter(({ policy, selector }) => policy.metadata.namespace === pod.namespace && selects(selector, pod))
      .map(({ policy }) => policy);
    if (selecting.length === 0) continue;
    // What a name of a port means at the receiving end is the pod's own matter.
    const named = direction === 'ingress' ? namedPortsOf(pod, selecting) : [];
    const key = JSON.stringify([direction, selecting.map(nameOf), named]);
    let isolation = known.get(key);
    if (!isolation) {
      isolation = {
        direction,
        id: createHash('sha256').update(key).digest('hex').slice(0, 12),
        policies: selecting.map(nameOf),
        allows: selecting.flatMap((policy) => allowsOf(policy, { direction, pod, directory })),
      };
      known.set(key, isolation);
    }
    for (const ip of pod.ips) isolated.set(ip, isolation);
  }
  return isolated;
}

function selects(selector: ReturnType<typeof labelSelectorOf>, { labels }: PolicyPod): boolean {
  return selector !== undefined && matchesLabels(selector, labels);
}

/** Without policyTypes, a policy is about what comes in, and about what goes out where it has rules for that. */
function hasDirection({ policyTypes, egress = [] }: NetworkPolicy['spec'], direction: Direction): boolean {
  if (policyTypes?.length) return policyTypes.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
  return direction === 'ingress' || egress.length > 0;
}

interface Rule {
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly NetworkPolicyPort[];
}

function rulesOf({ spec }: Readonly<NetworkPolicy>, direction: Direction): Rule[] {
  return direction === 'ingress'
    ? (spec.ingress ?? []).map(({ from = [], ports = [] }) => ({ peers: from, ports }))
    : (spec.egress ?? []).map(({ to = [], ports = [] }) => ({ peers: to, ports }));
}

function namedPortsOf(pod: PolicyPod, policies: readonly Readonly<NetworkPolicy>[]): readonly unknown[] {
  const names = new Set(
    policies.flatMap((p) => rulesOf(p, 'ingress').flatMap(({ ports }) => ports.map((q) => q.port))),
  );
  return pod.ports.filter(({ name }) => names.has(name)).map(({ name, protocol, port }) => [name, protocol, port]);
}

interface At {
  readonly direction: Direction;
  /** One of those that the policy isolates. */
  readonly pod: PolicyPod;
  readonly directory: PodDirectory;
}

function allowsOf(policy: Readonly<NetworkPolicy>, at: At): Allow[] {
  return rulesOf(policy, at.direction).flatMap((rule) => {
    const namespace = policy.metadata.namespace ?? '';
    const selected = rule.peers
      .filter(({ ipBlock }) => !ipBlock)
      .flatMap((peer) => at.directory.selected(peer, namespace));
    const peers: PeerSet | undefined =
      rule.peers.length === 0
        ? undefined
        : {
            addresses: new Set(selected.flatMap(({ ips }) => ips)),
            blocks: rule.peers.flatMap(({ ipBlock }) => (ipBlock && blockOf(ipBlock)) ?? []),
          };
    if (rule.ports.length === 0) return [{ peers, ports: undefined }];
    const ports = rule.ports.flatMap((port) => (typeof port.port === 'string' ? [] : [rangeOf(port)]));
    const receivers = rule.peers.length === 0 ? at.directory.all : selected;
    const named = rule.ports.flatMap((port) =>
      at.direction === 'ingress' ? ownNamed(port, peers, at.pod) : receiversNamed(port, receivers),
    );
    return [...(ports.length > 0 ? [{ peers, ports }] : []), ...named];
  });
}

const protocolOf = ({ protocol = 'TCP' }: NetworkPolicyPort) => protocol as Protocol;

function rangeOf(entry: NetworkPolicyPort): PortRange {
  const protocol = protocolOf(entry);
  if (typeof entry.port !== 'number') return { protocol, from: 0, to: 65535 };
  return { protocol, from: entry.port, to: entry.endPort ?? entry.port };
}

/** The numbers that a name stands for at a pod: containers may disagree. */
function numbersOf(entry: NetworkPolicyPort, pod: PolicyPod): number[] {
  return pod.ports.filter((p) => p.name === entry.port && p.protocol === protocolOf(entry)).map(({ port }) => port);
}

function ownNamed(entry: NetworkPolicyPort, peers: PeerSet | undefined, pod: PolicyPod): Allow[] {
  if (typeof entry.port !== 'string') return [];
  const ports = numbersOf(entry, pod).map((n) => ({ protocol: protocolOf(entry), from: n, to: n }));
  return ports.length > 0 ? [{ peers, ports }] : [];
}

/** A name means, at each pod that may be spoken to, what that pod says. */
function receiversNamed(entry: NetworkPolicyPort, receivers: readonly PolicyPod[]): Allow[] {
  if (typeof entry.port !== 'string') return [];
  const byNumber = new Map<number, Set<string>>();
  for (const pod of receivers) {
    for (const n of numbersOf(entry, pod)) {
      const addresses = byNumber.get(n) ?? new Set<string>();
      for (const ip of pod.ips) addresses.add(ip);
      byNumber.set(n, addresses);
    }
  }
  return [...byNumber].map(([n, addresses]) => ({
    peers: { addresses, blocks: [] },
    ports: [{ protocol: protocolOf(entry), from: n, to: n }],
  }));
}
