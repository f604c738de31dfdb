// Pods that nobody will ever end (upstream pkg/controller/podgc).
import { isNodeReady } from '../../api/core/v1/node/facts.ts';
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { byCreation } from '../shared/by-creation.ts';

export interface PodGCInput {
  readonly pods: readonly Readonly<Pod>[];
  readonly node: (name: string) => Readonly<Node> | undefined;
  /** When a pod's node was first missed, by the clock of `now`. */
  readonly missedSince: ReadonlyMap<string, number>;
  /** Milliseconds, as the clock's `monotonic`. */
  readonly now: number;
  /** Ended pods that are kept; 0 keeps them all. */
  readonly threshold: number;
}

/** A node that has just gone may be on its way back. */
const quarantine = 40_000;
const outOfService = 'node.kubernetes.io/out-of-service';

/** Pods to delete at once, without grace. */
export function podsToCollect({ pods, node, missedSince, now, threshold }: PodGCInput): Readonly<Pod>[] {
  const doomed = new Set<Readonly<Pod>>();
  const ended = threshold > 0 ? pods.filter(isPodTerminal).sort(byUse) : [];
  for (const pod of ended.slice(0, Math.max(0, ended.length - threshold))) doomed.add(pod);
  for (const pod of pods) {
    const { nodeName } = pod.spec;
    const deleting = pod.metadata.deletionTimestamp !== undefined;
    if (!nodeName) {
      if (deleting) doomed.add(pod);
      continue;
    }
    const host = node(nodeName);
    const since = missedSince.get(nodeName);
    if (!host && since !== undefined && now - since >= quarantine) doomed.add(pod);
    if (host && deleting && isOutOfService(host)) doomed.add(pod);
  }
  return [...doomed];
}

function isOutOfService(node: Readonly<Node>): boolean {
  return !isNodeReady(node) && (node.spec?.taints ?? []).some((taint) => taint.key === outOfService);
}

/** Evicted pods tell nobody anything, and the oldest the least. */
function byUse(a: Readonly<Pod>, b: Readonly<Pod>): number {
  return Number(isEvicted(b)) - Number(isEvicted(a)) || byCreation(a, b);
}

function isEvicted({ status }: Readonly<Pod>): boolean {
  return status?.phase === 'Failed' && status.reason === 'Evicted';
}
