// A node with the pods that are on it, and what they take.
import { type HostPort, hostPortsOf } from '../api/core/v1/pod/facts.ts';
import type { Node, Pod } from '../api/core/v1/types.generated.ts';
import { objectKey } from '../apimachinery/object.ts';
import { type Amounts, amountsOf, nonZeroRequests, podRequests } from './pod-resources.ts';

const mostGroups = 64;

/** Pods that are spread from each other: those of one controller, by its uid, or those that match. */
export type SpreadGroup =
  | { readonly owner: string }
  | {
      /** The same for groups with the same pods. */
      readonly key: string;
      readonly matches: (pod: Readonly<Pod>) => boolean;
    };

export class NodeInfo {
  node: Readonly<Node>;
  /** CPU in thousandths. */
  allocatable: Amounts;
  readonly pods = new Map<string, Readonly<Pod>>();
  readonly requested: Record<string, number> = {};
  /** With something for containers that ask for nothing. */
  readonly nonZero = { cpu: 0, memory: 0 };
  readonly ports = new Map<string, HostPort[]>();
  /** Pods by the uid of their controller. */
  readonly #byOwner = new Map<string, number>();
  /** Pods of each group that was asked for, kept up to date from then on. */
  readonly #groups = new Map<string, { readonly matches: (pod: Readonly<Pod>) => boolean; count: number }>();
  /** Pods with required anti-affinity, which keep others away. */
  readonly withAntiAffinity = new Set<string>();
  /** Pods with affinity or anti-affinity to pods, which draw others or would rather not have them. */
  readonly withAffinity = new Set<string>();

  constructor(node: Readonly<Node>) {
    this.node = node;
    this.allocatable = amountsOf(node.status?.allocatable);
  }

  update(node: Readonly<Node>): void {
    this.node = node;
    this.allocatable = amountsOf(node.status?.allocatable);
  }

  /** A copy that can be changed without changing this one. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.node);
    for (const pod of this.pods.values()) copy.add(pod);
    return copy;
  }

  add(pod: Readonly<Pod>): void {
    const key = objectKey(pod);
    const present = this.pods.get(key);
    if (present) this.remove(present);
    this.pods.set(key, pod);
    this.#count(pod, 1);
    const ports = hostPortsOf(pod);
    if (ports.length > 0) this.ports.set(key, ports);
    const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
    if (podAffinity || podAntiAffinity) this.withAffinity.add(key);
    if (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length) {
      this.withAntiAffinity.add(key);
    }
  }

  remove(pod: Readonly<Pod>): void {
    const key = objectKey(pod);
    const present = this.pods.get(key);
    if (!present) return;
    this.pods.delete(key);
    this.ports.delete(key);
    this.withAntiAffinity.delete(key);
    this.withAffinity.delete(key);
    this.#count(present, -1);
  }

  #count(pod: Readonly<Pod>, sign: 1 | -1): void {
    const requests = podRequests(pod);
    for (const [name, amount] of Object.entries(requests)) {
      this.requested[name] = (this.requested[name] ?? 0) + sign * amount;
    }
    const { cpu = 0, memory = 0 } = nonZeroRequests(pod);
    this.nonZero.cpu += sign * cpu;
    this.nonZero.memory += sign * memory;
    if (pod.metadata.deletionTimestamp !== undefined) return;
    const owner = controllerUID(pod);
    if (owner !== undefined) {
      const count = (this.#byOwner.get(owner) ?? 0) + sign;
      if (count > 0) this.#byOwner.set(owner, count);
      else this.#byOwner.delete(owner);
    }
    for (const counted of this.#groups.values()) if (counted.matches(pod)) counted.count += sign;
  }

  /** Pods of the group that are not being deleted. */
  countOf(group: SpreadGroup): number {
    if ('owner' in group) return this.#byOwner.get(group.owner) ?? 0;
    const known = this.#groups.get(group.key);
    if (known) return known.count;
    // Groups come and go with owners and Services.
    if (this.#groups.size >= mostGroups) this.#groups.clear();
    let count = 0;
    for (const pod of this.pods.values()) {
      if (pod.metadata.deletionTimestamp === undefined && group.matches(pod)) count += 1;
    }
    this.#groups.set(group.key, { matches: group.matches, count });
    return count;
  }
}

function controllerUID({ metadata }: Readonly<Pod>): string | undefined {
  return metadata.ownerReferences?.find((r) => r.controller)?.uid;
}

/** A played kubelet mounts nothing and prepares no device, so pods there wait for none. */
export function isPlayed({ node }: Pick<NodeInfo, 'node'>): boolean {
  return node.status?.nodeInfo?.kubeletVersion.endsWith('-hollow') ?? false;
}
