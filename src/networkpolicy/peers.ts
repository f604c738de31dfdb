// Pods and namespaces as policies select them.
import { isPodTerminal, lastingContainers } from '../api/core/v1/pod/facts.ts';
import type { Namespace, Pod } from '../api/core/v1/types.generated.ts';
import type { NetworkPolicyPeer } from '../api/networking/v1/types.generated.ts';
import { labelSelectorOf, matchesLabels } from '../apimachinery/selectors/label-selector.ts';
import { type CIDR, parseCIDRSloppy } from '../net/cidr.ts';
import { canonicalIP } from '../net/ip.ts';

export interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** A pod on the pod network, reduced to what policies ask of it. */
export interface PolicyPod {
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Canonical; of either family. */
  readonly ips: readonly string[];
  readonly ports: readonly NamedPort[];
}

export interface Block {
  readonly cidr: CIDR;
  readonly except: readonly CIDR[];
}

/** Who is meant by a rule: addresses of pods, and blocks of addresses. */
export interface PeerSet {
  readonly addresses: ReadonlySet<string>;
  readonly blocks: readonly Block[];
}

/** Undefined for pods that have no network of their own, have no address yet, or have ended. */
export function policyPodOf(pod: Readonly<Pod>): PolicyPod | undefined {
  const { metadata, spec, status } = pod;
  if (spec.hostNetwork || isPodTerminal(pod)) return undefined;
  const texts = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);
  const ips = texts.flatMap((text) => canonicalIP(text) ?? []);
  if (ips.length === 0) return undefined;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    nodeName: spec.nodeName ?? '',
    labels: metadata.labels ?? {},
    ips,
    ports: lastingContainers(pod).flatMap(({ ports = [] }) =>
      ports.flatMap(({ name, protocol = 'TCP', containerPort }) =>
        name === undefined ? [] : [{ name, protocol, port: containerPort }],
      ),
    ),
  };
}

/** The pods of a cluster, for looking up those that selectors mean. Each selector is worked out once. */
export class PodDirectory {
  readonly #pods: readonly PolicyPod[];
  readonly #namespaces: readonly Readonly<Namespace>[];
  readonly #found = new Map<string, readonly PolicyPod[]>();

  constructor(pods: readonly PolicyPod[], namespaces: readonly Readonly<Namespace>[]) {
    this.#pods = pods;
    this.#namespaces = namespaces;
  }

  get all(): readonly PolicyPod[] {
    return this.#pods;
  }

  /** The pods that a peer with selectors means, seen from a policy in that namespace. */
  selected({ podSelector, namespaceSelector }: NetworkPolicyPeer, from: string): readonly PolicyPod[] {
    const key = JSON.stringify([podSelector, namespaceSelector ?? from]);
    const known = this.#found.get(key);
    if (known) return known;
    const pods = podSelector && labelSelectorOf(podSelector);
    const spaces = namespaceSelector && labelSelectorOf(namespaceSelector);
    const names = spaces
      ? new Set(this.#namespaces.filter((n) => matchesLabels(spaces, n.metadata.labels)).map((n) => n.metadata.name))
      : new Set([from]);
    const found = this.#pods.filter(
      ({ namespace, labels }) => names.has(namespace) && (pods === undefined || matchesLabels(pods, labels)),
    );
    this.#found.set(key, found);
    return found;
  }
}

/** Undefined for a block that cannot be read, which the API server lets nobody write. */
export function blockOf({ cidr, except = [] }: NonNullable<NetworkPolicyPeer['ipBlock']>): Block | undefined {
  const whole = parseCIDRSloppy(cidr)?.cidr;
  if (!whole) return undefined;
  return { cidr: whole, except: except.flatMap((text) => parseCIDRSloppy(text)?.cidr ?? []) };
}
